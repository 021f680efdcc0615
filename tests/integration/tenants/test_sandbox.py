"""A sandbox comes with synthetic data, is filled through redaction, is emptied, and goes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, connections, models

from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.catalog.deploy import deploy
from controlplane.catalog.models import Installation
from controlplane.core.actor import system
from controlplane.core.crypto import EncryptedTextField
from controlplane.events.models import Event, Source
from controlplane.instances.models import Instance, Workspace
from controlplane.instances.services.workspaces import tag_of
from controlplane.invoices.models import Invoice, PurchaseOrder
from controlplane.invoices.services import match_invoice
from controlplane.knowledge.models import DocumentVersion
from controlplane.orders.models import Order
from controlplane.orders.services import review_order
from controlplane.policies.models import Policy, Rule
from controlplane.support.models import Ticket
from controlplane.support.recipients import recipient_of
from tenants import files, lookup
from tenants.context import inside
from tenants.environments import rules
from tenants.environments.copying import NothingToCopy, copy_now, copy_to_sandbox
from tenants.environments.services import (
    NotProduction,
    SandboxMissing,
    SandboxThere,
    create_sandbox,
    make_now,
    remove_now,
    reset_now,
)
from tenants.models import ApiKey, Member, Tenant
from tenants.provisioning.steps import plan_reset
from tests.factories.world import parts
from tests.fakes.n8n import FakeN8n

BY = system("tests")
DATA = ["events", "orders", "invoices", "tickets"]
# What a person would never type by chance, with letters of every awkward kind.
PLANTED = "Zwiebelfisch Œdipe <oedipe@zwiebelfisch.test>"
# Where that is too long. One word alone could be an article number, which is kept.
SHORT = "Œ Zwiebelfisch"


@pytest.fixture
def production(yard: Tenant, n8n: FakeN8n) -> Iterator[Tenant]:
    """With a row of every kind, and a partner's n8n; all committed. Its sandbox goes afterwards."""
    with inside(yard):
        parts(n8n.url)
    _take_away()  # the world has only the row of one
    yield lookup.tenant_by_slug("yard")
    with inside(yard):
        Rule.objects.filter(code="too_heavy").delete()
    _take_away()
    Instance.objects.all().delete()


def _take_away() -> None:
    connection.set_schema_to_public()
    for row in Tenant.objects.filter(slug="yard-sandbox"):
        with connections["owner"].cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {row.schema_name} CASCADE")
        row.delete()
    lookup.forget_tenants()


@pytest.fixture
def sandbox(production: Tenant) -> Tenant:
    created = create_sandbox(tenant=production, by=BY)
    return make_now(Tenant.objects.get(pk=created.pk), by=BY)


def everything_in(tenant: Tenant) -> str:
    """All rows of the schema as text."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", [tenant.schema_name]
        )
        found = []
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT string_agg(r::text, %s) FROM "{tenant.schema_name}"."{table}" r', ["\n"]
            )
            found.append(cursor.fetchone()[0] or "")
    return "\n".join(found)


def test_a_new_sandbox_has_synthetic_data_and_nothing_of_productions(
    production: Tenant, sandbox: Tenant
) -> None:
    assert (sandbox.slug, sandbox.environment) == ("yard-sandbox", "sandbox")
    assert sandbox.customer == production
    with inside(sandbox):
        assert {o.verdict for o in Order.objects.all()} == {"accept", "hold", "reject"}
        assert all(o.tags == ["synthetic"] for o in Order.objects.all())
        assert Invoice.objects.count() == 3
        assert Ticket.objects.count() == 4
        assert DocumentVersion.objects.count() == 1
        assert all(t.requester_email.endswith("customer.example") for t in Ticket.objects.all())
    text = everything_in(sandbox)
    for secret in ("Hafenstraße", "kaja@example.com", "Windjammer", "periwinkle", "Marzipan"):
        assert secret not in text


def test_every_sandbox_begins_alike_and_filling_twice_adds_nothing(sandbox: Tenant) -> None:
    def counts() -> list[int]:
        with inside(sandbox):
            return [m.objects.count() for m in (Order, Event, Invoice, Ticket, PurchaseOrder)]

    before = counts()
    make_now(Tenant.objects.get(pk=sandbox.pk), by=BY)

    assert counts() == before


def test_it_is_audited_in_both_chains(production: Tenant, sandbox: Tenant) -> None:
    copy_now(production, ["tickets"], by=BY)

    platform = set(
        Entry.objects.filter(subject_id=str(sandbox.pk)).values_list("action", flat=True)
    )
    with inside(production):
        ours = set(Entry.objects.values_list("action", flat=True))
        assert verify_chain().broken_at is None
    with inside(sandbox):
        theirs = set(Entry.objects.values_list("action", flat=True))
    assert "sandbox.requested" in platform
    assert {"sandbox.requested", "sandbox.copied"} <= ours
    assert "sandbox.copied" in theirs


def plant(tenant: Tenant) -> int:
    """The planted text into every text of every row of the tenant's; returns into how many."""
    planted = 0
    tables = [
        apps.get_model(label)
        for label, terms in rules.declared().items()
        # Rules and parameters are about nobody, and go as they are.
        if label not in {"audit.Checkpoint", "audit.Entry", "vault.DataKey"}
        and not isinstance(terms, rules.ByService)
    ]
    with inside(tenant), connections["owner"].cursor() as cursor:
        cursor.execute(f"SET search_path TO {tenant.schema_name}, public")
        for model in tables:
            for field in model._meta.concrete_fields:
                value = _planted_in(model, field)
                if value is not None:
                    cursor.execute(
                        f'UPDATE "{model._meta.db_table}" SET "{field.column}" = %s'
                        f' WHERE ctid = (SELECT min(ctid) FROM "{model._meta.db_table}")',
                        [value],
                    )
                    planted += cursor.rowcount
        cursor.execute("RESET search_path")
    connections["owner"].close()
    return planted


def _planted_in(model: type[models.Model], field: Any) -> str | None:
    """None where the database takes no free text: keys, choices that constraints name, codes."""
    if field.primary_key or field.name in CONSTRAINED.get(model._meta.label, set()):
        return None
    if isinstance(field, models.JSONField):
        return '{"email": "%s", "%s": ["%s", {"note": "%s"}], "id": "%s"}' % ((PLANTED,) * 5)
    if isinstance(field, EncryptedTextField):
        return str(field.get_db_prep_value(PLANTED, connection))
    if isinstance(field, models.TextField):
        if model._meta.label == "events.Event":
            return '{"email": "%s", "%s": [{"name": "%s", "zip": "%s"}]}' % ((PLANTED,) * 4)
        return PLANTED
    if isinstance(field, models.CharField):
        return PLANTED if (field.max_length or 0) >= len(PLANTED) else SHORT[: field.max_length]
    return None


# Constraints of the database compare these with words of a list.
CONSTRAINED = {
    "approvals.Delegation": {"principal_id"},
    "approvals.Approval": {"status"},
    "invoices.Invoice": {"status", "quarantine_code", "outcome"},
    "knowledge.DocumentVersion": {"status", "approved_by", "failure_code"},
    "knowledge.Answer": {"subject_type"},
    "orders.Order": {"status", "outcome"},
    "support.Ticket": {"mail"},
}


def test_nothing_that_was_typed_in_production_is_found_in_the_sandbox(
    production: Tenant, sandbox: Tenant
) -> None:
    assert plant(production) > 150
    assert everything_in(production).count("Zwiebelfisch") > 150

    counts = copy_now(production, DATA, by=BY)

    assert all(
        counts[label]
        for label in ("orders.Order", "events.Event", "support.Ticket", "invoices.Invoice")
    )
    text = everything_in(sandbox)
    assert "zwiebelfisch" not in text.lower()
    assert "dipe" not in text


def test_amounts_dates_and_skus_stay_and_people_do_not(production: Tenant, sandbox: Tenant) -> None:
    def shown(tenant: Tenant) -> list[Any]:
        with inside(tenant):
            return [
                (
                    o.pk,
                    o.number,
                    o.total,
                    o.placed_at,
                    [(line.sku, line.quantity) for line in o.lines.all()],
                )
                for o in Order.objects.order_by("pk")
            ]

    copy_now(production, DATA, by=BY)

    assert shown(sandbox) == shown(production)
    with inside(sandbox):
        people = {(o.buyer_email, o.ship_to["name"]) for o in Order.objects.exclude(buyer_email="")}
        invoice = Invoice.objects.exclude(supplier_name="").get()
        assert len({email for email, _name in people}) == 1, "one person stays one person"
        assert people.pop()[0].endswith("@customer.example")
        assert "Windjammer" not in str(invoice.normal)
    with inside(production):
        assert Invoice.objects.get(pk=invoice.pk).payable == invoice.payable


def test_what_was_copied_can_be_worked_with(production: Tenant, sandbox: Tenant) -> None:
    copy_now(production, DATA, by=BY)

    with inside(sandbox):
        for event in Event.objects.filter(type="order.created"):
            assert review_order(event_id=event.pk, by=BY).decision.verdict
        invoice = Invoice.objects.exclude(supplier_name="").get()
        assert match_invoice(invoice_id=invoice.pk, by=BY)


def test_two_copies_call_a_person_differently(production: Tenant, sandbox: Tenant) -> None:
    def emails() -> set[str]:
        with inside(sandbox):
            return set(Order.objects.values_list("buyer_email", flat=True))

    copy_now(production, ["orders"], by=BY)
    first = emails()
    copy_now(production, ["orders"], by=BY)

    assert first.isdisjoint(emails())


def test_secrets_files_and_addresses_that_resume_never_come_along(
    production: Tenant, sandbox: Tenant
) -> None:
    with inside(production):
        files.store([b"a document of production's"], limit=100)
        theirs = {source.slug: source.secret for source in Source.objects.all()}
    copy_now(production, rules.groups(), by=BY)

    with inside(sandbox):
        ours = {source.slug: source.secret for source in Source.objects.all()}
        stored = {place.name for place in files.stored_files()}
    assert "north-only" in ours
    assert ours["north-only"] != theirs["north-only"]
    with inside(production):
        assert not stored & {place.name for place in files.stored_files()}
    text = everything_in(sandbox)
    assert "webhook-waiting" not in text
    assert "n8n-key" not in text


def test_rules_and_parameters_go_as_they_are(production: Tenant, sandbox: Tenant) -> None:
    with inside(production):
        policy = Policy.objects.filter(context="order").earliest("created_at")
        Rule.objects.create(
            policy=policy, position=99, code="too_heavy", expression="order.line_count > 9",
            verdict="hold", message="Too many lines.",
        )  # fmt: skip
        wanted = [rule.as_published() for rule in policy.rules.all()]
        parameters = Installation.objects.get().parameters

    copy_now(production, ["policies", "templates"], by=BY)

    with inside(sandbox):
        policy = Policy.objects.get(context="order", slug=policy.slug)
        assert [rule.as_published() for rule in policy.rules.all()] == wanted
        version = policy.latest_version()
        assert version
        assert version.rules == wanted
        assert Installation.objects.get().parameters == parameters
        assert Order.objects.filter(tags=["synthetic"]).exists()


def test_its_place_in_n8n_is_its_own_and_says_sandbox(production: Tenant, n8n: FakeN8n) -> None:
    Instance.objects.create(
        name="brought", base_url=n8n.url, shape="brought", owner_key="key",
        partner=production.lead_partner,
    )  # fmt: skip
    sandbox = make_now(create_sandbox(tenant=production, by=BY), by=BY)

    with inside(sandbox):
        workspace = Workspace.objects.get()
    assert (workspace.prefix, workspace.tag[:8]) == ("yard-sandbox", "sandbox:")
    assert tag_of("a-very-long-customer-name-sandbox", is_sandbox=True).startswith("sandbox:")
    copy_now(production, ["templates"], by=BY)
    with inside(sandbox):
        installation = deploy(Installation.objects.get().pk)
        assert "[sandbox]" in installation.workflow_name
    assert ApiKey.objects.get(installation_id=installation.pk).tenant == sandbox


def test_a_reset_empties_it_and_leaves_production_alone(
    production: Tenant, sandbox: Tenant
) -> None:
    ApiKey.issue(tenant=sandbox, name="by hand", scopes=[])
    before = everything_in(production)
    with inside(sandbox):
        Ticket.objects.update(subject="tried")
        files.store([b"tried"], limit=10)

    plan_reset(sandbox)
    reset_now(Tenant.objects.get(pk=sandbox.pk), by=BY)

    with inside(sandbox):
        assert not Ticket.objects.filter(subject="tried").exists()
        assert Order.objects.count() == 6
    assert sandbox.api_keys.count() == 1
    assert everything_in(production) == before


def test_a_removed_sandbox_leaves_nothing(production: Tenant, sandbox: Tenant) -> None:
    ApiKey.issue(tenant=sandbox, name="by hand", scopes=[])

    remove_now(Tenant.objects.get(pk=sandbox.pk), by=BY)

    assert not Tenant.objects.filter(slug="yard-sandbox").exists()
    assert not ApiKey.objects.exclude(tenant=production).exists()
    assert not (Path(settings.FILES_ROOT) / "t_yard_sandbox").exists()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = 't_yard_sandbox'")
        assert cursor.fetchone() is None
        role = f"{connections['owner'].settings_dict['NAME']}_t_yard_sandbox"
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        assert cursor.fetchone() is None
    with inside(production):
        assert Order.objects.exists()
        assert Entry.objects.filter(action="sandbox.removed").exists()


def test_there_is_one_and_only_of_production(production: Tenant, sandbox: Tenant) -> None:
    with pytest.raises(SandboxThere):
        create_sandbox(tenant=production, by=BY)
    with pytest.raises(NotProduction):
        create_sandbox(tenant=sandbox, by=BY)
    with pytest.raises(NotProduction):
        copy_now(sandbox, ["orders"], by=BY)
    with pytest.raises(SandboxMissing):
        copy_to_sandbox(tenant=Tenant.objects.get(slug="south"), what=["orders"], by=BY)
    with pytest.raises(NothingToCopy):
        copy_now(production, ["everything"], by=BY)


def test_a_reply_from_a_sandbox_goes_to_members_only(production: Tenant, sandbox: Tenant) -> None:
    with inside(sandbox):
        customers, own = Ticket.objects.first(), Ticket.objects.last()
    assert customers
    assert own
    own.requester_email = make_member_of(production)

    with inside(sandbox):
        assert recipient_of(customers) == ""
        assert recipient_of(own) == own.requester_email


def make_member_of(tenant: Tenant) -> str:
    user = User.objects.create_user("tess", "tess@yard.example", "correct horse battery")
    Member.objects.create(user=user, tenant=tenant, role=Member.Role.MANAGER)
    return user.email
