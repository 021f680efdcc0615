"""Reading invoices from files that strangers sent."""
