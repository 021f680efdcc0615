"""The audit trail of the admin: the platform's chain, and the tenant's where a row is one's own."""

from typing import Any

from django.db import models
from django.http import HttpRequest

from controlplane.audit import changes
from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.admin import actor_of
from controlplane.core.schema import is_in_tenant
from tenants.context import current_tenant, inside
from tenants.models import Tenant

Snapshot = dict[str, Any]


class AuditTrail:
    """Writes what pages of the admin have changed; `controlplane.core.admin_trail` tells it."""

    def snapshot(self, row: models.Model) -> Snapshot:
        """With what it is linked to, which is no field of its own table."""
        links = {
            field.name: sorted(
                str(pk) for pk in getattr(row, field.name).values_list("pk", flat=True)
            )
            for field in row._meta.many_to_many
        }
        return {**changes.snapshot(row), **links}

    def write(
        self, verb: str, row: models.Model, before: Snapshot, after: Snapshot, request: HttpRequest
    ) -> None:
        by = actor_of(request)
        _write(verb, row, before, after, by)
        tenant = None if is_in_tenant() else _whose(row)
        if tenant is not None:
            with inside(tenant):
                _write(verb, row, before, after, by)


def chain_name() -> str:
    """Of the chain that is entered: the tenant's id, which no renaming changes."""
    return str(current_tenant().pk) if is_in_tenant() else "platform"


def _write(verb: str, row: models.Model, before: Snapshot, after: Snapshot, by: Actor) -> None:
    action = f"{row._meta.model_name}.{verb}"
    told = changes.record_change(action=action, row=row, before=before, after=after, by=by)
    if told is None and verb not in {"added", "changed", "deleted"}:
        # An action that changes something elsewhere, or later: that it was asked for is told.
        record(
            action=action,
            subject_type=str(row._meta.model_name),
            subject_id=str(row.pk),
            data={},
            by=by,
        )


def _whose(row: models.Model) -> Tenant | None:
    """The tenant that the row belongs to alone, where it has a chain already."""
    tenant = row if isinstance(row, Tenant) else getattr(row, "tenant", None)
    if not isinstance(tenant, Tenant) or tenant.status == Tenant.Status.PROVISIONING:
        return None
    return tenant
