"""PostgreSQL, Redis and n8n as child processes, for the demo, the tests and development."""

from deploy.embedded.progress import Reporter, Silent
from deploy.embedded.stack import Stack

__all__ = ["Reporter", "Silent", "Stack"]
