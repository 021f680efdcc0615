"""A certificate authority of the customer's own, which signs what stands in its own network."""

from django.utils.translation import gettext_lazy as _

from controlplane.connections.kinds.declaration import Field

AUTHORITY = Field(
    "authority",
    _("Certificate authority"),
    _(
        "Only where the system’s certificate is signed by an authority of your own: its "
        "certificate as PEM. This connection trusts it besides the public ones"
    ),
    type="certificates",
    is_required=False,
    # Who is trusted to be the host decides where secrets go.
    is_destination=True,
    max_length=20_000,
)
