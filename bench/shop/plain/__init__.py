"""Plain Django on one schema: no tenants, no roles, no walls."""
