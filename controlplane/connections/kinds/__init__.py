"""The kinds of outside systems, one declaration each; forms, schema and docs are made of them."""

from collections.abc import Collection

from django.utils.functional import Promise

from controlplane.connections.kinds import mail, rest, sftp, shops, stand_ins, suites
from controlplane.connections.kinds.declaration import (
    ConnectionKind,
    Field,
    FieldsInvalid,
    KindUnknown,
    checked,
    schema_of,
)

__all__ = [
    "PROTOCOLS", "ConnectionKind", "Field", "FieldsInvalid", "KindUnknown", "checked", "choices",
    "fitting", "kind_named", "offered", "schema_of",
]  # fmt: skip

PROTOCOLS = ("http", "sftp", "smtp")

_KINDS = {
    kind.name: kind
    for kind in (
        shops.SHOPIFY, shops.WOOCOMMERCE, suites.ODOO_JSON2, suites.ODOO, suites.ERPNEXT,
        rest.OPEN, rest.KEY, rest.BASIC, rest.OAUTH2, sftp.SFTP, mail.SMTP,
        stand_ins.STAND_IN, stand_ins.STAND_IN_MAIL,
    )
}  # fmt: skip


def kind_named(name: str) -> ConnectionKind:
    """Raises KindUnknown."""
    try:
        return _KINDS[name]
    except KeyError:
        raise KindUnknown.of(name, list(_KINDS)) from None


def offered() -> list[ConnectionKind]:
    """What people set up: stand-ins come with the cases of templates alone."""
    return [kind for kind in _KINDS.values() if not kind.is_stand_in]


def fitting(names: Collection[str]) -> list[ConnectionKind]:
    """The kinds of these names, and those of a protocol that is named; all where none is.

    A stand-in fits wherever a kind of its protocol does. Raises KindUnknown.
    """
    if not names:
        return list(_KINDS.values())
    protocols = {name for name in names if name in PROTOCOLS}
    chosen = [kind_named(name) for name in names if name not in PROTOCOLS]
    stood_in_for = protocols | {kind.protocol for kind in chosen}
    return [
        kind
        for kind in _KINDS.values()
        if kind in chosen
        or kind.protocol in protocols
        or (kind.is_stand_in and kind.protocol in stood_in_for)
    ]


def choices() -> list[tuple[str, str | Promise]]:
    """For the model's field: asked each time, so that no migration knows the kinds."""
    return [(kind.name, kind.label) for kind in _KINDS.values()]
