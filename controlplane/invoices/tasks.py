"""Background work of invoices."""
