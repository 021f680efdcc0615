"""A folder on an SFTP server."""

from django.utils.translation import gettext_lazy as _

from controlplane.connections.kinds.declaration import ConnectionKind, Field

SFTP = ConnectionKind(
    name="sftp",
    label="SFTP",
    description=_("A folder on a server, into which files are put and whose files are listed"),
    protocol="sftp",
    fields=(
        Field("host", _("Host"), _("Such as sftp.example.com"), type="host", is_destination=True),
        Field("port", _("Port"), type="integer", default="22", is_destination=True),
        Field("username", _("User")),
        Field("password", _("Password"), type="secret", is_required=False),
        Field(
            "private_key",
            _("Private key"),
            _("In OpenSSH’s or PEM form, without a passphrase. Either this or a password"),
            type="long_secret",
            is_required=False,
            max_length=8000,
        ),
        Field(
            "host_key",
            _("Fingerprint of the server"),
            _("As ssh-keygen -lf shows it, such as SHA256:…; the check tells it, for comparing"),
            is_required=False,
            pattern=r"SHA256:[A-Za-z0-9+/]{43}",
            is_destination=True,
        ),
        Field(
            "folder",
            _("Folder"),
            _("All names are below it; empty: where the server lets the user in"),
            is_required=False,
            pattern=r"/?(?!.*\.\.)[A-Za-z0-9._\-/ ]+",
        ),
    ),
    base_url=lambda values: f"sftp://{values['host']}:{values['port']}",
    methods=(),
)
