"""Issuing, rotating and revoking API keys, also from inside a tenant, whose role may not see them.

Each is recorded in the trail of the key's tenant.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from controlplane.audit.changes import record_change, snapshot
from controlplane.core.actor import Actor, ActorKind, Execution
from controlplane.core.errors import DomainError, FieldError
from controlplane.nodes.registry import all_operations
from tenants.context import current_tenant, inside, outside
from tenants.models import ApiKey, Tenant

SUGGESTED_LIFE = timedelta(days=365)
SUGGESTED_OVERLAP = timedelta(days=7)
LONGEST_OVERLAP = timedelta(days=90)

# Scopes of addresses that are no node operations, told by the door that has them.
_further_scopes: set[str] = set()


class KeyUnknown(DomainError):
    code = "api_key_unknown"
    status = 404
    title = "No such API key"


class KeyEnded(DomainError):
    code = "api_key_ended"
    status = 409
    title = "The API key is not in use any more"


class KeyOfInstallation(DomainError):
    code = "api_key_of_installation"
    status = 409
    title = "The API key belongs to an installation"


class KeyTermsInvalid(DomainError):
    code = "api_key_terms_invalid"
    status = 422
    title = "The API key cannot be issued so"


def offer_scopes(*scopes: str) -> None:
    """From AppConfig.ready: scopes that a key may have besides those of operations."""
    _further_scopes.update(scopes)


def offered_scopes() -> list[str]:
    """Every scope that some address asks for."""
    return sorted(_further_scopes | {operation.scope for operation in all_operations()})


def scope_choices() -> list[tuple[str, str]]:
    """For a form's field of several."""
    return [(scope, scope) for scope in offered_scopes()]


def operation_choices() -> list[tuple[str, str]]:
    """For a form's field of several; none chosen stands for all that the scopes permit."""
    return [(each.key, f"{each.key} – {each.action}") for each in all_operations()]


def issue_key(
    *,
    tenant: Tenant,
    name: str,
    scopes: Sequence[str],
    operations: Sequence[str] = (),
    installation_id: uuid.UUID | None = None,
    expires_at: datetime | None = None,
    partner_id: uuid.UUID | None = None,
    by: Actor,
) -> tuple[ApiKey, str]:
    """The key and its text, which is shown this once and kept nowhere. Raises KeyTermsInvalid.

    A partner's key ends with its engagement; without one it is the tenant's own.
    """
    _require_good_terms(scopes, operations, expires_at)
    with transaction.atomic():
        with outside():
            require_engaged(partner_id, tenant)
            key, text = ApiKey.issue(
                tenant=tenant,
                name=name,
                scopes=scopes,
                operations=operations,
                installation_id=installation_id,
                expires_at=expires_at,
                partner_id=partner_id,
                issued_by=by.label,
            )
        _record("api_key.issued", key, before={}, by=by)
    return key, text


def rotate_key(*, key: ApiKey, overlap: timedelta, by: Actor) -> tuple[ApiKey, str]:
    """A key like it, with its text; the old one is good for `overlap` more, and no longer.

    The new one lives as long as the old one was given. Raises KeyEnded, KeyOfInstallation and,
    for an overlap below zero or above 90 days, KeyTermsInvalid.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise KeyTermsInvalid(
            _("Both keys may be valid together for at most %(days)d days.")
            % {"days": LONGEST_OVERLAP.days},
            errors=(FieldError("overlap", _("choose a shorter time")),),
        )
    now = timezone.now()
    with transaction.atomic():
        with outside():
            # Before the key, in the order in which the end of an engagement locks them.
            require_engaged(key.partner_id, key.tenant)
            old = (
                ApiKey.objects.select_for_update(of=("self",))
                .select_related("tenant")
                .get(pk=key.pk)
            )
            _require_rotatable(old)
            before = snapshot(old)
            life = old.expires_at - old.created_at if old.expires_at else None
            new, text = ApiKey.issue(
                tenant=old.tenant,
                name=old.name,
                scopes=old.scopes,
                operations=old.operations,
                expires_at=now + life if life else None,
                partner_id=old.partner_id,
                issued_by=by.label,
            )
            ends = now + overlap
            old.expires_at = min(old.expires_at, ends) if old.expires_at else ends
            old.replaced_by = new
            old.save(update_fields=["expires_at", "replaced_by", "updated_at"])
        _record("api_key.issued", new, before={}, by=by)
        _record("api_key.rotated", old, before=before, by=by)
    return new, text


def replace_key(*, tenant: Tenant, name: str, scopes: Sequence[str], by: Actor) -> str:
    """The text of a key of this name, for when nobody saw that of the one that there is.

    The tenant's own key of that name is good no longer, and its scopes are the new one's; where
    there is none, a new one gets `scopes`. Raises KeyTermsInvalid.
    """
    with outside():
        known = (
            ApiKey.objects.usable(at=timezone.now())
            .select_related("tenant")
            .filter(tenant=tenant, name=name, partner=None, installation_id=None, replaced_by=None)
            .order_by("-created_at")
            .first()
        )
    if known is not None:
        _key, text = rotate_key(key=known, overlap=timedelta(0), by=by)
    else:
        _key, text = issue_key(tenant=tenant, name=name, scopes=scopes, by=by)
    return text


def revoke_key(*, key: ApiKey, by: Actor) -> bool:
    """Calls with it are refused from now on. False where it was revoked before."""
    with transaction.atomic():
        with outside():
            locked = (
                ApiKey.objects.select_for_update(of=("self",))
                .select_related("tenant")
                .get(pk=key.pk)
            )
            if locked.revoked_at:
                return False
            before = snapshot(locked)
            locked.revoke()
        _record("api_key.revoked", locked, before=before, by=by)
    return True


def revoke_keys_of(*, installation_id: uuid.UUID, by: Actor) -> int:
    """In the entered tenant; returns how many were still valid.

    A copy of a tenant has installations of the same id: each has keys of its own.
    """
    tenant = current_tenant()
    with outside():
        keys = list(
            ApiKey.objects.select_related("tenant").filter(
                tenant=tenant, installation_id=installation_id, revoked_at__isnull=True
            )
        )
    return sum(revoke_key(key=key, by=by) for key in keys)


def change_scopes_of(*, installation_id: uuid.UUID, scopes: Sequence[str], by: Actor) -> None:
    """Of the installation's valid keys in the entered tenant; its text stays the same.

    The next call is judged by them. A key that has them already is left alone.
    """
    tenant = current_tenant()
    with outside():
        keys = list(
            ApiKey.objects.select_related("tenant").filter(
                tenant=tenant, installation_id=installation_id, revoked_at__isnull=True
            )
        )
    for key in keys:
        if key.scopes == sorted(scopes):
            continue
        with transaction.atomic():
            before = snapshot(key)
            key.scopes = sorted(scopes)
            with outside():
                key.save(update_fields=["scopes", "updated_at"])
            _record("api_key.scopes_changed", key, before=before, by=by)


def has_key(installation_id: uuid.UUID) -> bool:
    """Whether the entered tenant has a key of the installation's that is still good."""
    tenant = current_tenant()
    with outside():
        keys = ApiKey.objects.usable(at=timezone.now())
        return keys.filter(tenant=tenant, installation_id=installation_id).exists()


def get_key(key_id: uuid.UUID, *, tenant: Tenant) -> ApiKey:
    """A key of this tenant. Raises KeyUnknown."""
    with outside():
        key = ApiKey.objects.select_related("tenant").filter(pk=key_id, tenant=tenant).first()
    if key is None:
        raise KeyUnknown(f"There is no API key {key_id} in {tenant}.")
    return key


def _require_good_terms(
    scopes: Sequence[str], operations: Sequence[str], expires_at: datetime | None
) -> None:
    nowhere = sorted(set(scopes) - set(offered_scopes()))
    if nowhere:
        raise KeyTermsInvalid(
            _("No address asks for %(names)s: the key would open nothing by it.")
            % {"names": ", ".join(nowhere)},
            errors=(FieldError("scopes", _("choose from the list")),),
        )
    unknown = sorted(set(operations) - {operation.key for operation in all_operations()})
    if unknown:
        raise KeyTermsInvalid(
            _("There are no operations called %(names)s.") % {"names": ", ".join(unknown)},
            errors=(FieldError("operations", _("choose from the list")),),
        )
    if expires_at and expires_at <= timezone.now():
        raise KeyTermsInvalid(
            _("The key would have expired before it is used."),
            errors=(FieldError("expires_at", _("choose a time that is still to come")),),
        )


def require_engaged(partner_id: uuid.UUID | None, tenant: Tenant) -> None:
    """Locks the engagement until the transaction ends; one that ends meanwhile waits, and revokes.

    Raises KeyTermsInvalid where a partner is named that does not work for the tenant.
    """
    engagements = tenant.customer.engagements.filter(partner=partner_id)
    if partner_id is not None and engagements.select_for_update().first() is None:
        raise KeyTermsInvalid(
            _("The partner does not work for %(tenant)s.") % {"tenant": tenant},
            errors=(FieldError("partner", _("choose one that is engaged there")),),
        )


def _require_rotatable(key: ApiKey) -> None:
    if key.installation_id:
        raise KeyOfInstallation(
            _(
                "“%(name)s” was made for an installed template, whose credential in n8n holds it. "
                "Remove the installation and install the template again for a new one."
            )
            % {"name": key.name}
        )
    if key.status != "active":
        raise KeyEnded(
            _("“%(name)s” was revoked, replaced or has expired. Issue a new key.")
            % {"name": key.name}
        )


def _record(action: str, key: ApiKey, *, before: dict[str, Any], by: Actor) -> None:
    with inside(key.tenant):
        record_change(action=action, row=key, before=before, after=snapshot(key), by=by)


def actor_of_key(key: ApiKey, *, execution: Execution | None = None) -> Actor:
    """The machine that shows it, as the one who does something."""
    return Actor(
        kind=ActorKind.MACHINE,
        id=str(key.pk),
        label=key.name,
        scopes=frozenset(key.scopes),
        installation_id=key.installation_id,
        execution=execution,
    )
