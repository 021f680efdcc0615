"""What is done in every tenant: work of a task, and migrations of the whole fleet."""

from tenants.fleet.everywhere import run_everywhere

__all__ = ["run_everywhere"]
