"""A platform admin lets a tenant leave, takes it back, and gives it domains of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from controlplane.audit.models import Entry
from tenants.context import inside
from tenants.leaving.departure import enqueue_unfinished, finish_leaving
from tenants.models import Departure, Domain, Tenant


@pytest.fixture
def page(north: Tenant, tmp_path: Path, settings: Any) -> str:
    settings.EXPORTS_ROOT = tmp_path / "exports"
    return f"/admin/tenants/tenant/{north.pk}"


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    from tenants.leaving import departure

    found: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(
        departure, "enqueue_on_commit", lambda name, **given: found.append((name, given))
    )
    return found


def test_a_tenant_leaves_and_comes_back(
    operator: Client, north: Tenant, page: str, enqueued: list[Any], browser: Callable[..., Client]
) -> None:
    assert "workflows, as n8n has them" in operator.get(f"{page}/leave/").content.decode()
    shown = operator.post(f"{page}/leave/", {"reason": "Contract ended", "slug": "nort"})
    assert shown.status_code == 422
    assert "Contract ended" in shown.content.decode()
    assert not Departure.objects.exists()

    operator.post(f"{page}/leave/", {"reason": "Contract ended", "slug": "north"})

    north.refresh_from_db()
    assert north.status == Tenant.Status.LEAVING
    assert enqueued == [("tenants.leave", {"tenant_id": str(north.pk)})]
    assert "being written" in operator.get(f"{page}/leave/").content.decode()
    finish_leaving(north)
    departure = Departure.objects.get(tenant_id=north.pk)
    assert departure.export_name in operator.get(f"{page}/leave/").content.decode()
    assert departure.left_by == "root (platform)"

    assert operator.post(f"{page}/leave/").status_code == 302

    north.refresh_from_db()
    assert north.status == Tenant.Status.ACTIVE
    with inside(north):
        assert Entry.objects.filter(
            action="tenant.returned", actor_label="root (platform)"
        ).exists()
    assert operator.post(f"{page}/leave/").status_code == 422, "nothing is to be taken back now"


def test_what_a_worker_left_half_done_is_taken_up_again(
    operator: Client, north: Tenant, page: str, enqueued: list[Any]
) -> None:
    operator.post(f"{page}/leave/", {"reason": "Contract ended", "slug": "north"})
    enqueued.clear()

    enqueue_unfinished()
    assert enqueued == [("tenants.leave", {"tenant_id": str(north.pk)})]

    finish_leaving(north)
    enqueued.clear()
    enqueue_unfinished()
    assert enqueued == []


def test_its_sandbox_closes_at_the_same_moment_and_has_a_job_of_its_own(
    operator: Client, north: Tenant, south: Tenant, page: str, enqueued: list[Any]
) -> None:
    """So that nobody has to live on to close it later."""
    Tenant.objects.filter(pk=south.pk).update(environment="sandbox", sandbox_of=north)

    operator.post(f"{page}/leave/", {"reason": "Contract ended", "slug": "north"})

    assert [given["tenant_id"] for _name, given in enqueued] == [str(north.pk), str(south.pk)]
    assert set(Departure.objects.values_list("slug", flat=True)) == {"north", "south"}
    operator.post(f"{page}/leave/")
    south.refresh_from_db()
    assert south.status == Tenant.Status.ACTIVE


def test_domains_come_and_go(operator: Client, north: Tenant, south: Tenant, page: str) -> None:
    operator.post(f"{page}/domains/", {"domain": "Portal.North.Example"})
    assert north.domains.filter(domain="portal.north.example").exists()
    assert "portal.north.example" in operator.get(f"{page}/domains/").content.decode()

    taken = operator.post(
        f"/admin/tenants/tenant/{south.pk}/domains/", {"domain": "portal.north.example"}
    )
    assert taken.status_code == 422
    assert "portal.north.example" in taken.content.decode()

    operator.post(f"{page}/domains/", {"remove": "portal.north.example"})
    assert not Domain.objects.filter(domain="portal.north.example").exists()
    operator.post(f"{page}/domains/", {"remove": "north.localhost"}, follow=True)
    assert Domain.objects.filter(domain="north.localhost").exists()


def test_both_are_for_the_platforms_admins(client: Client, page: str) -> None:
    for name in ("leave", "domains"):
        assert client.get(f"{page}/{name}/").status_code in {302, 404}
