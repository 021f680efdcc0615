"""A workflow as SVG, drawn from its JSON: no browser, no n8n, nothing to run in it."""
