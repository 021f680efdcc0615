"""A key, an invitation and what was odd."""

from controlplane.core.actor import system
from tenants.context import current_tenant, outside
from tenants.invitations import invite_member
from tenants.keys import issue_key
from tenants.models import SecurityEvent
from tenants.security.events import note
from tests.factories.world import Part

BY = system("tests")


def part(url: str) -> Part:
    tenant = current_tenant()
    with outside():
        key, text = issue_key(tenant=tenant, name="north's ERP", scopes=["orders:review"], by=BY)
        invitation, token = invite_member(
            email="invited@north-only.example", role="viewer", tenant=tenant, by=BY
        )
        note(SecurityEvent.Kind.BURST, tenant=tenant, key=key, network="192.0.2.0/24")
    return Part(
        rows={"key_id": key.pk, "invitation_id": invitation.pk},
        bodies={
            "keys/new/": {"name": "another", "scopes": "orders:review", "days": "30"},
            "keys/<uuid:key_id>/rotate/": {"days": "7"},
            "members/invitations/new/": {"email": "kaja@example.com", "role": "viewer"},
        },
        secrets={text, token, key.prefix, "invited@north-only.example", "192.0.2.0/24"},
    )
