"""Templates and their releases (shared), and what a tenant installed of them (the tenant's own)."""

from controlplane.catalog.models.installations import (
    STALLED_AFTER,
    Installation,
    credential_ids,
    short_id,
)
from controlplane.catalog.models.rollouts import Rollout, RolloutPlace
from controlplane.catalog.models.templates import CaseRun, Release, ReleaseUnknown, Template
from controlplane.catalog.models.upgrades import Snapshot, Upgrade

__all__ = [
    "STALLED_AFTER",
    "CaseRun",
    "Installation",
    "Release",
    "ReleaseUnknown",
    "Rollout",
    "RolloutPlace",
    "Snapshot",
    "Template",
    "Upgrade",
    "credential_ids",
    "short_id",
]
