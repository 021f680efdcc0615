"""What is older than it may be kept goes, what still runs stays, and n8n is asked again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.utils import timezone

from controlplane.approvals.models import Approval, Vote, Waiter
from controlplane.audit.models import Entry
from controlplane.core.actor import system
from controlplane.events.models import Delivery, Event, LedgerEntry
from controlplane.invoices.models import Invoice
from controlplane.knowledge.models import Answer
from controlplane.orders.models import Order, OrderLine
from controlplane.policies.models import Decision
from controlplane.support.models import Ticket
from tenants import files
from tenants.admin.retention import RegionCleaned, RetentionRuleForm
from tenants.context import inside, outside
from tenants.models import Member, PurgeRun, RetentionRule, Tenant
from tenants.retention import purge as purging
from tenants.retention.classes import (
    ClassWithoutTerms,
    DataClass,
    RowStore,
    all_classes,
    class_named,
    register_class,
)
from tenants.retention.purge import purge_entered_tenant, retention_of
from tenants.retention.references import naming_columns
from tenants.retention.terms import TERMS
from tests.factories.approvals import make_approval, make_order
from tests.factories.events import make_event, make_subscription, make_workspace
from tests.factories.invoices import make_invoice
from tests.factories.support import make_answer, make_draft_approval, make_triaged
from tests.fakes.n8n import FakeN8n

BY = system("tests")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def age(*rows: Any, field: str) -> None:
    for row in rows:
        type(row).objects.filter(pk=row.pk).update(**{field: LONG_AGO})


def purge(name: str) -> PurgeRun:
    return next(run for run in purge_entered_tenant(by=BY) if run.data_class == name)


def test_every_class_has_terms_and_every_term_a_class() -> None:
    assert {data_class.name for data_class in all_classes()} == set(TERMS)
    for terms in TERMS.values():
        assert terms.minimum <= terms.default <= terms.maximum
    with pytest.raises(ClassWithoutTerms):
        register_class(DataClass("letters", "Letters", "Letters."))


def test_every_table_that_grows_belongs_to_a_class() -> None:
    """Directly, or by a key that takes its rows along; the others are settings."""
    stores = [store for c in all_classes() for store in c.stores if isinstance(store, RowStore)]
    owned = {store.model for store in stores} | {Entry}  # its store keeps the chain whole
    for _round in range(4):
        owned |= {
            model
            for model in apps.get_models()
            for field in model._meta.local_fields
            if field.remote_field
            and field.remote_field.on_delete.__name__ == "CASCADE"
            and field.remote_field.model in owned
        }
    from tests.guards.test_schemas import OF_TENANTS

    tables = {model._meta.db_table for model in owned}
    assert OF_TENANTS - tables == {
        "approvals_group", "approvals_groupmember", "approvals_route", "audit_checkpoint",
        "catalog_installation", "connections_connection", "django_migrations", "events_source",
        "events_pause", "instances_workspace", "knowledge_collection",
        "knowledge_vector", "policies_boundversion", "policies_example", "policies_policy",
        "policies_policyversion",
        "policies_publishingterms", "policies_rule", "policies_schedule", "policies_versionstep",
        "support_triagemodel", "vault_datakey",
    }  # fmt: skip


def test_old_orders_go_with_their_lines_and_young_ones_stay(tenant: Tenant) -> None:
    old, young = make_order(1001), make_order(1002)
    age(old, field="created_at")

    run = purge("orders")

    assert (run.found, run.removed, run.left, run.error) == (1, 1, 0, "")
    assert list(Order.objects.all()) == [young]
    assert set(OrderLine.objects.values_list("order", flat=True)) == {young.pk}
    with outside():
        assert PurgeRun.objects.get(tenant=tenant, data_class="orders").is_clean
    assert Entry.objects.get(action="retention.purged").data == {"orders": 1}


def test_what_an_open_approval_needs_stays(tenant: Tenant) -> None:
    make_workspace()
    order = make_order()
    make_approval(order)
    ticket = make_triaged("Where is it?")
    answer = make_answer(ticket, "hold")
    make_draft_approval(ticket)
    age(order, answer, field="created_at")
    age(ticket, field="received_at")

    runs = {run.data_class: run for run in purge_entered_tenant(by=BY)}

    assert {runs[name].found for name in ("orders", "tickets", "answers")} == {0}
    assert class_named("decisions").stores[0].count(timezone.now() + timedelta(days=1)) == 0
    assert Order.objects.exists()
    assert Ticket.objects.exists()
    assert Answer.objects.exists()


def test_an_approval_goes_with_its_votes_when_nobody_waits_for_it(tenant: Tenant) -> None:
    make_workspace()
    waited, done = make_approval(make_order(1001)), make_approval(make_order(1002))
    for approval in (waited, done):
        Vote.objects.create(approval=approval, member_id="1", member_label="Ada",
                            decision="approve")  # fmt: skip
        Approval.objects.filter(pk=approval.pk).update(status="approved", decided_at=LONG_AGO)
    Waiter.objects.filter(approval=done).update(status=Waiter.Status.RESUMED)

    assert purge("approvals").removed == 1
    assert Approval.objects.get() == waited
    assert Vote.objects.get().approval == waited


def test_an_event_that_is_being_delivered_stays(tenant: Tenant) -> None:
    make_workspace()
    make_subscription()
    on_its_way, done = make_event(number=1), make_event(number=2)
    age(on_its_way, done, field="received_at")
    Delivery.objects.filter(event=done).update(status=Delivery.Status.DELIVERED)

    assert purge("events").removed == 1
    assert Event.objects.get() == on_its_way


def test_mail_that_is_being_sent_keeps_its_ticket(tenant: Tenant) -> None:
    ticket = make_triaged("Where is it?")
    answer = make_answer(ticket)
    age(answer, field="created_at")
    Ticket.objects.filter(pk=ticket.pk).update(
        received_at=LONG_AGO, mail="queued", replied_at=LONG_AGO, answer_id=answer.pk
    )

    runs = {run.data_class: run for run in purge_entered_tenant(by=BY)}
    assert (runs["tickets"].found, runs["answers"].found) == (0, 0)

    Ticket.objects.update(mail="sent", sent_at=LONG_AGO)
    runs = {run.data_class: run for run in purge_entered_tenant(by=BY)}
    assert (runs["tickets"].removed, runs["answers"].removed) == (1, 1)


def test_the_same_invoice_sent_again_still_finds_its_event(tenant: Tenant) -> None:
    invoice = make_invoice()
    Event.objects.update(received_at=LONG_AGO)

    assert purge("events").found == 0
    assert make_invoice().pk == invoice.pk


def test_decisions_go_by_the_owner_and_no_tenants_role(yard: Tenant) -> None:
    with inside(yard):
        order = make_order()
        with connections["owner"].cursor() as cursor:
            cursor.execute("UPDATE t_yard.policies_decision SET decided_at = %s", [LONG_AGO])
        assert purge("decisions").found == 0, "the order names it"
        order.delete()

        run = purge("decisions")
        assert (run.found, run.removed, run.left) == (1, 1, 0)
        assert not Decision.objects.exists()
    PurgeRun.objects.all().delete()


def test_files_that_no_row_names_go_after_a_day(yard: Tenant) -> None:
    import os

    with inside(yard):
        invoice = make_invoice()
        orphan = files.store([b"nobody's"], limit=100).sha256
        assert purge("files").found == 0, "it may belong to a row that is just being written"
        for digest in (orphan, invoice.sha256):
            os.utime(files.path_of(digest), (0, 0))

        assert purge("files").removed == 1
        assert files.read_file(invoice.sha256)
        with pytest.raises(files.FileGone):
            files.path_of(orphan)

        os.utime(files.path_of(invoice.sha256), (0, 0))
        age(invoice, field="created_at")
        runs = {run.data_class: run for run in purge_entered_tenant(by=BY)}
        assert (runs["invoices"].removed, runs["files"].removed) == (1, 1)
        assert not Invoice.objects.exists()
    PurgeRun.objects.all().delete()


def test_every_column_that_names_a_file_is_looked_at(tenant: Tenant) -> None:
    named = {(model.__name__, field) for model, field in naming_columns()}

    assert named >= {
        ("Invoice", "sha256"), ("Invoice", "xml_sha256"), ("DocumentVersion", "sha256"),
        ("TriageModel", "sha256"),
    }  # fmt: skip


def test_n8ns_executions_go_and_n8n_is_asked_again(tenant: Tenant, n8n: FakeN8n) -> None:
    make_workspace(n8n.url)
    n8n.workflows["wf1"] = {
        "id": "wf1", "name": "Review", "active": True, "nodes": [], "connections": {},
    }  # fmt: skip
    now = timezone.now().isoformat()
    n8n.executions = {"1": "success", "2": "error", "3": "waiting", "4": "success"}
    n8n.stopped = {"1": LONG_AGO.isoformat(), "2": LONG_AGO.isoformat(), "4": now}

    run = purge("executions")

    assert (run.found, run.removed, run.left) == (2, 2, 0)
    assert set(n8n.executions) == {"3", "4"}
    assert [call.method for call in n8n.called("GET", "executions")][-1] == "GET"


def test_an_n8n_that_keeps_what_it_says_to_delete_is_found_out(
    tenant: Tenant, n8n: FakeN8n
) -> None:
    make_workspace(n8n.url)
    n8n.workflows["wf1"] = {
        "id": "wf1", "name": "Review", "active": True, "nodes": [], "connections": {},
    }  # fmt: skip
    n8n.executions, n8n.stopped = {"1": "success"}, {"1": LONG_AGO.isoformat()}
    n8n.keeps = {"1"}

    run = purge("executions")

    assert (run.removed, run.left) == (1, 1)
    assert "1 are still there" in run.error


def test_an_n8n_that_is_down_stops_no_other_class(tenant: Tenant) -> None:
    make_workspace("http://127.0.0.1:9")
    age(make_order(), field="created_at")

    runs = {run.data_class: run for run in purge_entered_tenant(by=BY)}

    assert "InstanceUnreachable" in runs["executions"].error
    assert runs["orders"].removed == 1


def test_a_batch_that_fails_leaves_all_of_it(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import models

    orders = [make_order(number) for number in (1, 2, 3)]
    age(*orders, field="created_at")
    delete = models.QuerySet.delete

    def fail_afterwards(rows: Any) -> Any:
        delete(rows)
        raise RuntimeError("the connection is gone")

    monkeypatch.setattr(models.QuerySet, "delete", fail_afterwards)
    run = purge("orders")

    assert (run.found, run.removed) == (3, 0)
    assert "RuntimeError" in run.error
    assert Order.objects.count() == 3
    assert OrderLine.objects.count() == 3


def test_a_tenants_own_rule_counts_for_that_tenant(north: Tenant, south: Tenant) -> None:
    RetentionRule.objects.create(tenant=north, data_class="calls", days=7)
    for tenant in (north, south):
        with inside(tenant):
            entry = LedgerEntry.objects.create(key="k", operation="o", request_sha256="x")
            LedgerEntry.objects.filter(pk=entry.pk).update(
                created_at=timezone.now() - timedelta(days=8)
            )
    with inside(north):
        assert purge("calls").removed == 1
    with inside(south):
        assert purge("calls").removed == 0
        assert LedgerEntry.objects.count() == 1
    kept = {one.data_class.name: one for one in retention_of(north)}
    assert (kept["calls"].days, kept["calls"].is_own_rule) == (7, True)
    assert kept["calls"].last.removed == 1


@pytest.mark.parametrize(
    ("data_class", "days"), [("invoices", 30), ("calls", 3), ("calls", 9999), ("letters", 30)]
)
def test_a_rule_stays_within_what_is_allowed(data_class: str, days: int, north: Tenant) -> None:
    with pytest.raises(ValidationError):
        RetentionRule(tenant=north, data_class=data_class, days=days).full_clean()


def test_a_dry_run_counts_and_removes_nothing(north: Tenant) -> None:
    with inside(north):
        age(make_order(), field="created_at")
    out = StringIO()

    call_command("purge", "--tenant", "north", "--dry-run", stdout=out)
    assert "north: orders before" in out.getvalue()
    assert ": 1 found\n" in out.getvalue()
    with inside(north):
        assert Order.objects.exists()
    assert not PurgeRun.objects.filter(tenant=north).exists()

    call_command("purge", "--tenant", "north", stdout=out)
    assert "1 found, 1 removed, 0 left" in out.getvalue()
    with inside(north):
        assert not Order.objects.exists()


def test_the_task_purges_every_tenant(
    north: Tenant, south: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from controlplane.celery import app

    app.loader.import_default_modules()
    app.tasks["tenants.purge"].apply(throw=True)

    purged = set(PurgeRun.objects.values_list("tenant__slug", flat=True))
    assert purged >= {"north", "south"}
    assert purging.FILES in set(PurgeRun.objects.values_list("data_class", flat=True))


def test_a_manager_sees_region_and_retention(north: Tenant, browser: Callable[..., Client]) -> None:
    Tenant.objects.filter(pk=north.pk).update(region="eu")
    north.region = "eu"
    PurgeRun.objects.create(
        tenant=north, data_class="orders", cutoff=LONG_AGO, found=3, removed=3,
        finished_at=timezone.now(),
    )  # fmt: skip
    PurgeRun.objects.create(tenant=north, data_class="calls", cutoff=LONG_AGO, error="It broke")
    page = browser(north, role=Member.Role.MANAGER).get("/data/").content.decode()

    assert "<strong>eu</strong>" in page
    assert "3650 days" in page.replace(",", "")
    assert "3 removed, none left" in page
    assert "Not everything could be removed" in page
    assert "It broke" not in page
    assert browser(north, role=Member.Role.VIEWER, name="vic").get("/data/").status_code == 403


def test_a_manager_reads_it_in_german(north: Tenant, browser: Callable[..., Client]) -> None:
    Tenant.objects.filter(pk=north.pk).update(language="de")
    north.language = "de"
    page = browser(north, role=Member.Role.MANAGER).get("/data/").content.decode()

    assert "Zurückgezogene Dokumente" in page
    assert "Personenbezogen" in page
    assert "Retention" not in page


def test_the_admin_shows_what_purges_did(north: Tenant, admin_client: Any) -> None:
    PurgeRun.objects.create(tenant=north, data_class="calls", cutoff=LONG_AGO, error="1 left")
    page = admin_client.get("/admin/tenants/purgerun/", headers={"host": "localhost"})

    assert "1 left" in page.content.decode()
    add = admin_client.get("/admin/tenants/purgerun/add/", headers={"host": "localhost"})
    assert add.status_code == 403


def test_the_admins_forms_say_what_is_not_possible(north: Tenant) -> None:
    from django import forms

    class TenantForm(RegionCleaned, forms.ModelForm):
        class Meta:
            model = Tenant
            fields = ("region",)

    with inside(north):
        make_workspace()
    form = TenantForm({"region": "eu"}, instance=north)
    assert "Unbind it first" in str(form.errors["region"])

    rule = RetentionRuleForm({"data_class": "calls", "days": 1}, instance=RetentionRule())
    rule.instance.tenant = north
    assert "Between 7 and 365" in str(rule.errors["days"])
    assert "audit" in dict(rule.fields["data_class"].choices)
