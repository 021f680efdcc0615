"""Purchase orders and goods receipts: what invoices are matched against, and how it comes in."""
