"""Background work of knowledge."""
