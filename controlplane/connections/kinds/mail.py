"""A mail server that takes mail from the tenant's own address."""

from django.utils.translation import gettext_lazy as _

from controlplane.connections.kinds.authorities import AUTHORITY
from controlplane.connections.kinds.declaration import ConnectionKind, Field

SMTP = ConnectionKind(
    name="smtp",
    label="SMTP",
    description=_("The tenant’s own mail server, for mail from its own address"),
    protocol="smtp",
    fields=(
        Field("host", _("Host"), _("Such as smtp.example.com"), type="host", is_destination=True),
        Field("port", _("Port"), type="integer", default="587", is_destination=True),
        Field(
            "security",
            _("Encryption"),
            _("Port 587 has STARTTLS as a rule, port 465 TLS"),
            type="choice",
            choices=(("starttls", "STARTTLS"), ("tls", "TLS"), ("none", _("None"))),
            default="starttls",
            is_destination=True,
        ),
        Field("username", _("User"), is_required=False),
        Field("password", _("Password"), type="secret", is_required=False),
        Field(
            "sender",
            _("Sender"),
            _("The address that mail comes from, such as orders@example.com"),
            pattern=r"[^@\s<>\"]+@[^@\s<>\"]+",
        ),
        AUTHORITY,
    ),
    base_url=lambda values: f"smtp://{values['host']}:{values['port']}",
    methods=(),
)
