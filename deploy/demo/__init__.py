"""`make demo`: everything running, with a partner, two tenants and real orders."""
