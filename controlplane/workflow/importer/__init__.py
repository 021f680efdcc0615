"""From somebody's export to a workflow that others may have: cleaned, and with what it needs."""
