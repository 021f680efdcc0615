"""Background work of support."""
