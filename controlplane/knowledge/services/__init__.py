"""What can be done with a tenant's knowledge."""
