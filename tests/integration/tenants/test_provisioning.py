"""A new tenant: the same whether migrated, compiled or taken from the pool; with all it needs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.core.actor import system
from controlplane.policies.models import Policy, PolicyVersion
from controlplane.support.models import TriageExample
from tenants import lookup
from tenants.context import inside
from tenants.fingerprint import current_fingerprint
from tenants.models import Ownership, Partner, ProvisioningStep, Spare, Tenant
from tenants.provisioning import (
    FirstKey,
    create_tenant,
    creation,
    provision_tenant,
    start_tenant,
    steps,
)
from tenants.provisioning.spares import fill_pool
from tests.factories.dumps import dump

BY = system("test")
Slug = Callable[[], str]


def provisioned(slug: str, partner: Partner) -> Tenant:
    return provision_tenant(start_tenant(slug=slug, name="Nordwind", partner=partner), by=BY)


@pytest.fixture
def migrated(new_slug: Slug, partner: Partner) -> Tenant:
    """By Django's migrations, with nothing to copy from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(creation, "current_blueprint", lambda: None)
        return provisioned(new_slug(), partner)


def test_a_copy_and_a_spare_are_what_migrations_make(
    migrated: Tenant, new_slug: Slug, partner: Partner
) -> None:
    compiled = provisioned(new_slug(), partner)
    assert fill_pool(size=1) == 1
    spare = provisioned(new_slug(), partner)

    assert Spare.objects.count() == 0
    reference = dump(migrated.schema_name)
    assert "CREATE TABLE SCHEMA.orders_order" in reference
    assert "GRANT SELECT,INSERT ON TABLE SCHEMA.audit_entry TO ROLE" in reference
    assert dump(compiled.schema_name) == reference
    assert dump(spare.schema_name) == reference
    for tenant in (migrated, compiled, spare):
        assert tenant.status == Tenant.Status.ACTIVE
        assert tenant.schema_fingerprint == current_fingerprint()
        assert tenant.release


def content(tenant: Tenant) -> dict[str, Any]:
    with inside(tenant):
        return {
            "policies": sorted(Policy.objects.values_list("context", "slug", "title")),
            "rules": sorted(map(str, PolicyVersion.objects.values_list("policy__slug", "rules"))),
            "published by": set(PolicyVersion.objects.values_list("published_by", flat=True)),
            "examples": sorted(TriageExample.objects.values_list("text", "intent", "language")),
            "trail": sorted(Entry.objects.values_list("action", "actor_label")),
            "migrations": _migrations(),
        }


def _migrations() -> list[Any]:
    from django.db.migrations.recorder import MigrationRecorder

    rows = MigrationRecorder.Migration.objects.order_by("id")
    return list(rows.values_list("app", "name"))


def keys(tenant: Tenant) -> set[Any]:
    with inside(tenant):
        return {
            *Policy.objects.values_list("pk", flat=True),
            *PolicyVersion.objects.values_list("pk", flat=True),
            *TriageExample.objects.values_list("pk", flat=True),
        }


def test_each_has_the_same_starter_rows_under_keys_of_its_own(
    migrated: Tenant, new_slug: Slug, partner: Partner
) -> None:
    compiled = provisioned(new_slug(), partner)
    fill_pool(size=1)
    spare = provisioned(new_slug(), partner)

    expected = content(migrated)
    assert len(expected["policies"]) >= 3
    assert len(expected["examples"]) > 100
    assert ("tenant.created", BY.label) in expected["trail"]
    assert content(compiled) == expected
    assert content(spare) == expected
    assert not keys(compiled) & keys(spare)
    assert not keys(compiled) & keys(migrated)


def test_the_trail_of_a_copy_holds_and_tells_of_its_own_rows(
    new_slug: Slug, partner: Partner
) -> None:
    fill_pool(size=1)
    tenant = provisioned(new_slug(), partner)

    with inside(tenant):
        assert verify_chain().broken_at is None
        told = Entry.objects.filter(action="policy.published")
        assert {entry.subject_id for entry in told} == {
            str(pk) for pk in Policy.objects.values_list("pk", flat=True)
        }
        created = Entry.objects.get(action="tenant.created")
    assert (created.subject_id, created.actor_label) == (str(tenant.pk), BY.label)


def test_the_next_migration_finds_a_free_number(new_slug: Slug, partner: Partner) -> None:
    tenant = provisioned(new_slug(), partner)

    with connections["owner"].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {tenant.schema_name}.django_migrations (app, name, applied)"
            " VALUES ('orders', '9999_next', now())"
        )


@pytest.mark.parametrize("spares", [0, 1])
def test_created_at_once_it_answers_at_once(new_slug: Slug, partner: Partner, spares: int) -> None:
    fill_pool(size=spares)
    slug = new_slug()

    created = create_tenant(
        slug=slug,
        name="Nordwind",
        partner=partner,
        language="de",
        time_zone="Europe/Berlin",
        first_key=FirstKey("ERP", ("orders:review",)),
        by=BY,
    )

    assert lookup.tenant_by_host(f"{slug}.localhost") == created.tenant
    key = lookup.key_from_text(created.key)
    assert (key.tenant, key.scopes) == (created.tenant, ["orders:review"])
    tenant = Tenant.objects.get(slug=slug)
    assert (tenant.lead_partner, tenant.language) == (partner, "de")
    owned = Ownership.objects.filter(tenant=tenant, engagement__partner=partner)
    assert {row.area for row in owned} == set(Ownership.Area.values)
    provision_tenant(tenant, by=BY)
    assert not ProvisioningStep.objects.filter(tenant=tenant).exclude(status="done").exists()
    again = create_tenant(
        slug=slug, name="Nordwind", partner=partner, first_key=FirstKey("B", ()), by=BY
    )
    assert (again.tenant, again.key) == (created.tenant, "")


def test_each_step_is_shown_with_what_came_of_it(
    new_slug: Slug, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def works(tenant: Tenant, by: Any) -> None:
        calls.append("first")

    def fails(tenant: Tenant, by: Any) -> None:
        calls.append("second")
        if calls.count("second") == 1:
            raise RuntimeError("n8n does not answer")

    monkeypatch.setattr(steps, "_steps", [("first", works), ("second", fails)])
    tenant = start_tenant(slug=new_slug(), name="Nordwind", partner=partner)
    shown = ProvisioningStep.objects.filter(tenant=tenant)
    assert [(s.name, s.status) for s in shown] == [
        ("schema", "pending"), ("first", "pending"), ("second", "pending"),
    ]  # fmt: skip

    with pytest.raises(RuntimeError):
        provision_tenant(tenant, by=BY)
    assert [s.status for s in shown.all()] == ["done", "done", "failed"]
    assert shown.get(name="second").error == "n8n does not answer"

    provision_tenant(tenant, by=BY)
    assert calls == ["first", "second", "second"], "what was done is not done again"
    assert {s.status for s in shown.all()} == {"done"}
    assert all(s.finished_at >= s.started_at for s in shown.all())

    provision_tenant(tenant, by=BY)
    assert calls[3:] == ["first", "second"], "all done, all are looked at once more"
