"""A suspended tenant is out of reach, keeps everything, and comes back as it was."""

from collections.abc import Callable

from django.test import Client

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from tenants.context import inside
from tenants.models import Tenant
from tenants.suspension import reactivate_tenant, suspend_tenant


def test_it_answers_no_more_and_then_again(north: Tenant, machine: Callable[..., Client]) -> None:
    key = machine(north)
    assert key.get("/api/v1/whoami").status_code == 200

    assert suspend_tenant(tenant=north, by=system("test"))
    assert key.get("/api/v1/whoami").status_code == 401
    assert Client().post("/in/north/shopify", headers={"host": "localhost"}).status_code == 404
    assert not suspend_tenant(tenant=north, by=system("test"))

    assert reactivate_tenant(tenant=north, by=system("test"))
    assert key.get("/api/v1/whoami").status_code == 200
    with inside(north):
        done = Entry.objects.filter(action__regex="suspended|reactivated").order_by("sequence")
        assert [e.action for e in done] == ["tenant.suspended", "tenant.reactivated"]
