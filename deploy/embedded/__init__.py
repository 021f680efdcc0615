"""PostgreSQL, Redis and n8n as child processes, for the demo, the tests and development."""
