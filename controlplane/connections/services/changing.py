"""How connections come, change and go."""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from controlplane.audit.changes import record_change, snapshot
from controlplane.audit.services import record
from controlplane.connections.allowed import METHODS
from controlplane.connections.kinds import (
    ConnectionKind,
    KindUnknown,
    checked,
    kind_named,
    offered,
)
from controlplane.connections.kinds.declaration import HOST
from controlplane.connections.models import Connection
from controlplane.connections.uses import uses_of
from controlplane.core.actor import Actor
from controlplane.core.addressing import is_plain, steps_of
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.text import made_storable

MOST = 200
MOST_LISTED = 50
# What says how a connection is, and is no change of it.
_STATES = {"status", "last_checked_at", "last_used_at", "last_error", "changed_by"}


class ConnectionUnknown(DomainError):
    code = "connection_unknown"
    status = 404
    title = "No such connection"


class ConnectionExists(DomainError):
    code = "connection_exists"
    status = 409
    title = "The connection exists already"


class ConnectionInUse(DomainError):
    code = "connection_in_use"
    status = 409
    title = "The connection is in use"


class LimitsInvalid(DomainError):
    code = "connection_limits_invalid"
    status = 422
    title = "The connection cannot be limited so"


class SecretsNeeded(DomainError):
    code = "connection_secrets_needed"
    status = 422
    title = "The secrets are needed again"


def get_connection(ref: str | uuid.UUID) -> Connection:
    """By ID or by name, whatever the case of its letters. Raises ConnectionUnknown."""
    text = made_storable(str(ref)).strip()
    try:
        found = Connection.objects.filter(pk=uuid.UUID(text)).first()
    except ValueError:
        found = Connection.objects.filter(name__iexact=text).first()
    if found is None:
        raise ConnectionUnknown(
            f"This tenant has no connection “{text[:80]}”. Choose one of the list, or set one up "
            "in the portal under Connections.",
            errors=(FieldError("connection", "names no connection"),),
        )
    return found


@transaction.atomic
def create_connection(
    *,
    name: str,
    kind: str,
    values: Mapping[str, str],
    by: Actor,
    allowed_hosts: Sequence[str] = (),
    allowed_paths: Sequence[str] = (),
    allowed_methods: Sequence[str] | None = None,
    is_active: bool = True,
) -> Connection:
    """A connection that nobody has tried yet. `values` are the kind's fields, secrets among them.

    Raises KindUnknown, FieldsInvalid, LimitsInvalid and ConnectionExists.
    """
    made = kind_named(kind)
    if made.is_stand_in:
        raise KindUnknown.of(kind, [one.name for one in offered()])
    options, secrets = checked(made, values)
    methods = made.methods if allowed_methods is None else allowed_methods
    connection = Connection(kind=kind, created_by=by.label[:200], is_active=is_active)
    _name(connection, name)
    if Connection.objects.count() >= MOST:
        raise LimitsInvalid(f"There are {MOST} connections already. Remove one that is not used.")
    _limit(connection, made, allowed_hosts, allowed_paths, methods)
    _set(connection, made, options, secrets, by)
    connection.save(force_insert=True)
    record_change(
        action="connection.created", row=connection, before={}, after=_told(connection), by=by
    )
    return connection


@transaction.atomic
def stand_in(*, name: str, kind: str, values: Mapping[str, str], by: Actor) -> Connection:
    """The stand-in of this name, made or given other answers. Raises ConnectionExists where a
    real connection is called so, FieldsInvalid.
    """
    made = kind_named(kind)
    options, _secrets = checked(made, values)
    row = Connection.objects.filter(name__iexact=name).first()
    if row is not None and not kind_named(row.kind).is_stand_in:
        raise ConnectionExists(
            f"A real connection is called “{row.name}”, so no stand-in can be. Rename it, or try "
            "the template in another sandbox.",
            errors=(FieldError("name", "is taken"),),
        )
    row = row or Connection(name=name, created_by=by.label[:200])
    before = {} if row._state.adding else _told(row)
    row.kind, row.options, row.base_url = kind, options, made.base_url(options)
    row.allowed_methods, row.changed_by = list(made.methods), by.label[:200]
    row.save()
    action = "connection.changed" if before else "connection.created"
    record_change(action=action, row=row, before=before, after=_told(row), by=by)
    return row


@transaction.atomic
def change_connection(
    *,
    connection: Connection,
    name: str,
    values: Mapping[str, str],
    by: Actor,
    allowed_hosts: Sequence[str] = (),
    allowed_paths: Sequence[str] = (),
    allowed_methods: Sequence[str] = (),
    is_active: bool = True,
) -> Connection:
    """A secret that is left empty stays, unless the connection leads elsewhere from now on.

    Raises ConnectionUnknown, FieldsInvalid, LimitsInvalid, ConnectionExists and SecretsNeeded.
    """
    row = _locked(connection)
    kind, old_hosts = kind_named(row.kind), set(row.allowed_hosts)
    old_options, old_secrets = dict(row.options), row.kept_secrets
    if not old_secrets:
        row.secrets = ""
    before = _told(row)
    options, secrets = checked(kind, values, kept=old_secrets)
    _name(row, name)
    _limit(row, kind, allowed_hosts, allowed_paths, allowed_methods)
    row.is_active = is_active
    moved = set(row.allowed_hosts) - old_hosts or any(
        one.is_destination and options.get(one.name) != old_options.get(one.name)
        for one in kind.plain_fields
    )
    if moved:
        _assert_typed_again(kind, old_secrets, values)
    if options != old_options or secrets != old_secrets:
        row.status, row.last_error = Connection.Status.UNKNOWN, ""
    _set(row, kind, options, secrets, by)
    row.save()
    record_change(action="connection.changed", row=row, before=before, after=_told(row), by=by)
    return row


@transaction.atomic
def remove_connection(*, connection: Connection, by: Actor) -> None:
    """Its secrets go with it. Raises ConnectionUnknown and ConnectionInUse."""
    row = _locked(connection)
    if uses := uses_of(row):
        raise ConnectionInUse(
            _("“%(name)s” is used by %(uses)s. Choose another connection there first.")
            % {"name": row.name, "uses": ", ".join(uses[:10])}
        )
    told = {"name": row.name, "kind": row.kind, "base_url": row.base_url}
    key = str(row.pk)
    row.delete()
    record(action="connection.removed", subject_type="connection", subject_id=key, data=told, by=by)


def _locked(connection: Connection) -> Connection:
    row = Connection.objects.select_for_update().filter(pk=connection.pk).first()
    if row is None:
        raise ConnectionUnknown(f"“{connection.name}” was removed meanwhile.")
    return row


def _told(row: Connection) -> dict[str, Any]:
    """For the trail: of secrets one sees that they changed, no more."""
    return {key: value for key, value in snapshot(row).items() if key not in _STATES}


def _set(
    row: Connection,
    kind: ConnectionKind,
    options: dict[str, str],
    secrets: dict[str, str],
    by: Actor,
) -> None:
    row.options, row.base_url = options, kind.base_url(options)
    row.changed_by = by.label[:200]
    row.keep_secrets(secrets)


def _name(row: Connection, name: str) -> None:
    row.name = made_storable(name).strip()
    if not row.name or len(row.name) > 80 or not row.name.isprintable():
        raise LimitsInvalid(
            _("A connection needs a name of at most 80 characters."),
            errors=(FieldError("name", _("is needed, of at most 80 characters")),),
        )
    if Connection.objects.filter(name__iexact=row.name).exclude(pk=row.pk).exists():
        raise ConnectionExists(
            _("There is a connection “%(name)s” already. Choose another name or open that one.")
            % {"name": row.name},
            errors=(FieldError("name", _("is taken")),),
        )


def _limit(
    row: Connection,
    kind: ConnectionKind,
    hosts: Sequence[str],
    paths: Sequence[str],
    methods: Sequence[str],
) -> None:
    """Raises LimitsInvalid."""
    faults = []
    cleaned = [list(dict.fromkeys(one.strip() for one in many if one.strip()))
               for many in (hosts, paths)]  # fmt: skip
    row.allowed_hosts, row.allowed_paths = [host.lower() for host in cleaned[0]], cleaned[1]
    row.allowed_methods = [method for method in METHODS if method in methods]
    if kind.protocol != "http":
        row.allowed_hosts, row.allowed_paths, row.allowed_methods = [], [], []
        return
    if wrong := [host for host in row.allowed_hosts if not HOST.fullmatch(host)]:
        message = _("%(what)s is no host such as cdn.example.com") % {"what": wrong[0][:60]}
        faults.append(FieldError("allowed_hosts", message))
    if wrong := [path for path in row.allowed_paths if not _is_pattern(path)]:
        message = _("%(what)s is no path such as /orders or /shops/*/orders")
        faults.append(FieldError("allowed_paths", message % {"what": wrong[0][:60]}))
    for name, found in (("allowed_hosts", hosts), ("allowed_paths", paths)):
        if len(found) > MOST_LISTED:
            faults.append(FieldError(name, _("are more than %(most)d") % {"most": MOST_LISTED}))
    if not row.allowed_methods or set(methods) - set(METHODS):
        faults.append(FieldError("allowed_methods", _("choose at least one")))
    if faults:
        told = "; ".join(f"{fault.field}: {fault.message}" for fault in faults)
        raise LimitsInvalid(_("Look at what is allowed: %(told)s.") % {"told": told},
                            errors=tuple(faults))  # fmt: skip


def _is_pattern(path: str) -> bool:
    steps = steps_of(path) if is_plain(path) and path.startswith("/") else [".."]
    return not ({".", ".."} & {*steps}) and not re.search(r"[?#]", path) and len(path) <= 200


def _assert_typed_again(
    kind: ConnectionKind, kept: Mapping[str, str], given: Mapping[str, str]
) -> None:
    """Who only knows where to send them must not get at secrets that somebody else typed in."""
    missing = [one for one in kind.secret_fields if kept.get(one.name) and not given.get(one.name)]
    if missing:
        raise SecretsNeeded(
            _("The connection leads elsewhere now, so its secrets are needed again: %(fields)s.")
            % {"fields": ", ".join(str(one.label) for one in missing)},
            errors=tuple(
                FieldError(one.name, _("is needed again, since the address changes"))
                for one in missing
            ),
        )
