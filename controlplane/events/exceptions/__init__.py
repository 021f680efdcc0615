"""Exceptions: what went wrong, whose it is, by when, and what is done about it."""
