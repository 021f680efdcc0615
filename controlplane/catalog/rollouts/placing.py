"""Where a rollout goes: every tenant's installation of the template, allotted to rings."""

import hashlib
import uuid
from collections.abc import Sequence

from django.db.models import QuerySet

from controlplane.catalog.models import Installation, Rollout, RolloutPlace
from controlplane.catalog.models.rollouts import SANDBOXES
from tenants.context import inside
from tenants.models import Ownership, Tenant

Found = tuple[Tenant, Installation]


def place(rollout: Rollout) -> int:
    """Look into every tenant that it is for, and note what is there. How many were found.

    Called outside of any tenant, again without harm.
    """
    release = rollout.release
    found = [
        (tenant, installation)
        for tenant in tenants_of(rollout)
        for installation in _installed(tenant, rollout.template.slug)
        if _is_older(installation, release.ordered_version)
    ]
    rings = rings_of(found, rollout.shares, seed=rollout.pk)
    RolloutPlace.objects.bulk_create(
        (
            RolloutPlace(
                rollout=rollout,
                tenant=tenant,
                installation_id=installation.pk,
                ring=rings[installation.pk],
                from_version=installation.release_version,
            )
            for tenant, installation in found
        ),
        ignore_conflicts=True,
        batch_size=500,
    )
    return len(found)


def tenants_of(rollout: Rollout) -> QuerySet[Tenant]:
    """Active ones; of a partner's rollout those whose automation is the partner's to run."""
    active: QuerySet[Tenant] = Tenant.objects.filter(status=Tenant.Status.ACTIVE).order_by("pk")
    if rollout.template.owner_id is not None:
        active = _served_by(active, rollout.template.owner_id)
    if rollout.partner_id is None:
        return active
    owned = Ownership.objects.filter(
        area=Ownership.Area.AUTOMATION, engagement__partner_id=rollout.partner_id
    ).values("tenant_id")
    return active.filter(pk__in=owned) | active.filter(sandbox_of__in=owned)


def _served_by(tenants: QuerySet[Tenant], partner_id: uuid.UUID) -> QuerySet[Tenant]:
    return tenants.filter(engagements__partner_id=partner_id) | tenants.filter(
        sandbox_of__engagements__partner_id=partner_id
    )


def rings_of(
    found: Sequence[Found], shares: Sequence[int], *, seed: uuid.UUID
) -> dict[uuid.UUID, int]:
    """Installation → ring. Sandboxes first; each share has one place at least, drawn by `seed`.

    Drawn anew for each rollout, so that it is not always the same customers who go first.
    """
    rings = {one.pk: SANDBOXES for tenant, one in found if tenant.is_sandbox}
    rest = [one.pk for tenant, one in found if not tenant.is_sandbox]
    rest.sort(key=lambda pk: hashlib.sha256(seed.bytes + pk.bytes).digest())
    for number, share in reversed(list(enumerate(shares, start=1))):
        for pk in rest[: max(number, -(-len(rest) * share // 100))]:
            rings[pk] = number
    return rings


def _installed(tenant: Tenant, slug: str) -> list[Installation]:
    with inside(tenant):
        return list(
            Installation.objects.filter(template_slug=slug, status=Installation.Status.ACTIVE).only(
                "release_version"
            )
        )


def _is_older(installation: Installation, version: tuple[int, ...]) -> bool:
    return tuple(int(part) for part in installation.release_version.split(".")) < version
