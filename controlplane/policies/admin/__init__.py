"""Policies in the admin: a tenant's own, and in the platform's half the rules for many."""

from controlplane.policies.admin import layer_simulations, layers, tenant

__all__ = ["layer_simulations", "layers", "tenant"]
