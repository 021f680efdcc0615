"""The kinds of outside systems, one declaration each; forms, schema and docs are made of them."""

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
    "ConnectionKind", "Field", "FieldsInvalid", "KindUnknown", "checked", "choices", "kind_named",
    "offered", "schema_of",
]  # fmt: skip

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


def choices() -> list[tuple[str, str | Promise]]:
    """For the model's field: asked each time, so that no migration knows the kinds."""
    return [(kind.name, kind.label) for kind in _KINDS.values()]
