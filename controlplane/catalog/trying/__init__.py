"""A release's cases, carried out in a real n8n: what was expected, and what came of it."""
