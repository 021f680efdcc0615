"""The catalog in both halves of the admin."""

from controlplane.catalog.admin import installations, rollouts, templates

__all__ = ["installations", "rollouts", "templates"]
