"""The pool of spares: schemas made ahead, so that a new tenant is a matter of two renamings."""

import secrets
from collections.abc import Sequence

from django.conf import settings
from django.db import connections, transaction
from psycopg import sql

from controlplane.audit.models import Entry
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from tenants import grants
from tenants.models import Blueprint, Spare, Tenant
from tenants.provisioning.blueprint import (
    current_blueprint,
    current_blueprint_fingerprint,
    renew_blueprint,
)
from tenants.provisioning.copies import drop_schemas, make_copy

log = get_logger(__name__)


def fill_pool(*, size: int | None = None) -> int:
    """Renew the blueprint, drop what is stale, and make spares until `size` are ready.

    Returns how many it made. Called in no transaction; several at once wait for one another, and
    what one that died left half-made is finished or dropped. Raises NotCompilable.
    """
    size = settings.SPARE_TENANTS if size is None else size
    renew_blueprint()
    with alone("tenants.fill_pool", ""):
        blueprint = current_blueprint()
        if blueprint is None:
            return 0  # a newer release's: its own workers fill the pool
        _drop_stale(blueprint)
        begun = list(Spare.objects.filter(is_ready=False))
        missing = size - Spare.objects.count()
        if missing > 0:
            begun += _begin(missing, blueprint)
        for spare in begun:
            _finish(spare, blueprint)
    return len(begun)


def reserve_spare() -> Spare | None:
    """One that is nobody else's until the owner's transaction ends; none where none is ready.

    Of several at once no two get the same, and none waits.
    """
    return (
        Spare.objects.using("owner")
        .ready(current_blueprint_fingerprint())
        .select_for_update(skip_locked=True)
        .first()
    )


def hand_over(spare: Spare, tenant: Tenant) -> Entry | None:
    """Its schema and role become the tenant's, within the same transaction; reads nothing.

    Returns the head of the audit trail that comes with it.
    """
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
                sql.Identifier(spare.schema_name), sql.Identifier(tenant.schema_name)
            )
        )
    grants.rename_role(spare.schema_name, tenant.schema_name)
    Spare.objects.using("owner").filter(pk=spare.pk)._raw_delete("owner")
    return Entry(sequence=spare.head_sequence, hash=spare.head_hash) if spare.head_hash else None


def _drop_stale(blueprint: Blueprint) -> None:
    """Those of another fingerprint. One that is just being taken is left to its taker."""
    while True:
        with transaction.atomic(using="owner"):
            spare = (
                Spare.objects.using("owner")
                .exclude(fingerprint=blueprint.fingerprint)
                .select_for_update(skip_locked=True)
                .first()
            )
            if spare is None:
                return
            drop_schemas([spare.schema_name])
            spare.delete()
        log.info("spare.dropped", schema=spare.schema_name)


def _begin(count: int, blueprint: Blueprint) -> Sequence[Spare]:
    """Rows and roles of all of them at once, so that the grants are one."""
    spares = [
        Spare(schema_name=f"spare_{secrets.token_hex(8)}", fingerprint=blueprint.fingerprint)
        for _number in range(count)
    ]
    with transaction.atomic(using="owner"):
        Spare.objects.using("owner").bulk_create(spares)
        grants.make_roles([spare.schema_name for spare in spares])
    return spares


def _finish(spare: Spare, blueprint: Blueprint) -> None:
    with transaction.atomic(using="owner"):
        role = grants.role_named(spare.schema_name)
        head = make_copy(blueprint, spare.schema_name, role=role)
        if head is not None:
            spare.head_sequence, spare.head_hash = head.sequence, head.hash
        spare.is_ready = True
        spare.save(using="owner")
