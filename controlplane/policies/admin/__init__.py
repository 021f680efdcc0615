"""Policies in the admin: a tenant's own, and in the platform's half the rules for many."""

from controlplane.policies.admin import layers, tenant

__all__ = ["layers", "tenant"]
