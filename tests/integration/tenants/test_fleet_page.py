"""The fleet page: every tenant's state at a glance, as quick with thirty rows as with three."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from controlplane.catalog.models import Template
from controlplane.core.admin import SharedModelAdmin
from controlplane.core.models import new_id
from controlplane.events.models import OutboxMessage
from controlplane.instances.models import Instance
from controlplane.policies.models import LayerPolicy, LayerSimulation, LayerVersion
from tenants import fleet_page, lookup
from tenants.fingerprint import current_fingerprint
from tenants.fleet_page import Bar, Column
from tenants.models import (
    ApiKey,
    Departure,
    Domain,
    Engagement,
    FleetResult,
    FleetRun,
    Member,
    Partner,
    ProvisioningStep,
    PurgeRun,
    SecurityEvent,
    SingleSignOn,
    Tenant,
)  # fmt: skip
from tests.factories.support_access import make_entry

PAGE = "/admin/tenants/tenant/"
SHARED = [
    model for model, found in admin.site._registry.items() if isinstance(found, SharedModelAdmin)
]


@pytest.fixture
def operator(north: Tenant) -> Client:
    return operator_client()


def operator_client() -> Client:
    root = User.objects.create_superuser("root", "root@example.com", "pw")
    client = Client(headers={"host": "localhost"})
    client.force_login(root, "django.contrib.auth.backends.ModelBackend")
    return client


def make_row(number: int, partner: Partner | None = None, **given: Any) -> Tenant:
    """A tenant as a row only: no page of the platform's enters it."""
    slug = f"row-{number:03d}"
    tenant = Tenant.objects.create(
        **{
            "slug": slug,
            "schema_name": f"t_row_{number:03d}",
            "name": f"Row {number:03d}",
            "status": Tenant.Status.ACTIVE,
            "schema_fingerprint": current_fingerprint(),
            "release": "0.2.0",
            "last_active_at": timezone.now() - timedelta(hours=2),
            **given,
        }
    )
    Domain.objects.create(domain=f"{slug}.localhost", tenant=tenant, is_primary=True)
    if partner is not None:
        Engagement.objects.create(partner=partner, tenant=tenant, is_lead=True)
    return tenant


def fill(first: int, last: int) -> None:
    """A row of every shared table for each number, each with rows that it points to."""
    for number in range(first, last):
        partner = Partner.objects.create(slug=f"partner-{number}", name=f"Partner {number}")
        tenant = make_row(number, partner)
        user = User.objects.create(username=f"user-{number}")
        Member.objects.create(user=user, tenant=tenant)
        ApiKey.issue(tenant=tenant, name=f"key {number}", scopes=[])
        Instance.objects.create(
            name=f"n8n {number}", base_url=f"http://n8n-{number}", shape="shared",
            partner=partner, owner_key="key", health="ok",
        )  # fmt: skip
        OutboxMessage.objects.create(schema_name="t_x", handler="x", reference=new_id())
        template = Template.objects.create(
            slug=f"template-{number}", title="Template", summary="", owner=partner
        )
        release = template.releases.create(version="1.0.0", manifest={}, workflow={})
        release.case_runs.create(digest="d", passed=1, failed=0, results=[], ran_by="CI")
        rollout = release.rollouts.create(template=template, partner=partner, shares=[100])
        rollout.places.create(tenant=tenant, installation_id=new_id(), ring=1)
        make_entry(user, tenant)
        SingleSignOn.objects.create(
            partner=partner, issuer=f"https://login-{number}.example", client_id="pergola",
            client_secret="secret", email_domains=[f"partner-{number}.example"],
        )  # fmt: skip
        tenant.agreements.create(
            data_owner="N", processed_in="EU", valid_from=timezone.now().date(), agreed_by="N",
            document=f"DPA-{number}", recorded_by="root",
        )  # fmt: skip
        make_layer(number, partner)
        make_traces(tenant, user)


def make_layer(number: int, partner: Partner) -> None:
    policy = LayerPolicy.objects.create(
        layer="partner", partner=partner, context="order", slug="embargo", title=f"Rules {number}"
    )
    version = LayerVersion.objects.create(policy=policy, number=1, rules=[], status="published")
    LayerSimulation.objects.create(
        policy=policy, version=version, rules=[], rules_sha256="", since=timezone.now(),
        asked_by="Ada", asked_by_id="member:1",
    )  # fmt: skip


def make_traces(tenant: Tenant, user: User) -> None:
    """What services leave about a tenant, for people to look at only."""
    now = timezone.now()
    run = FleetRun.objects.create(
        started_at=now, fingerprint="f", shared_rights="r", release="0.2.0"
    )
    FleetResult.objects.create(run=run, tenant=tenant, seconds=0.1)
    PurgeRun.objects.create(tenant=tenant, data_class="orders", cutoff=now)
    SecurityEvent.objects.create(
        tenant=tenant, user=user, kind="burst", hour=now, first_at=now, last_at=now
    )
    Departure.objects.create(
        tenant_id=tenant.pk, slug=tenant.slug, name=tenant.name, schema_name=tenant.schema_name,
        environment=tenant.environment, reason="The contract ended", left_at=now,
        left_by="root", remove_after=now,
    )  # fmt: skip


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        assert client.get(path).status_code == 200
    return len(caught)


@pytest.fixture(scope="module")
def asked(django_db_setup: None, django_db_blocker: Any) -> dict[Any, tuple[int, int]]:
    """How often the list of each model asks: with three rows, and with thirty."""

    def counts() -> dict[Any, int]:
        found = {}
        for model in SHARED:
            page = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            queries(client, page)  # what the process keeps afterwards, or for a while
            found[model] = queries(client, page)
        return found

    with django_db_blocker.unblock(), transaction.atomic():
        client = operator_client()
        fill(0, 3)
        assert [model for model in SHARED if model._default_manager.count() < 3] == []
        few = counts()
        fill(3, 30)
        many = counts()
        transaction.set_rollback(True)
    lookup.forget_tenants()
    return {model: (few[model], many[model]) for model in SHARED}


@pytest.mark.parametrize("model", SHARED, ids=lambda model: model._meta.label_lower)
def test_a_list_asks_as_often_for_thirty_rows_as_for_three(
    model: Any, asked: dict[Any, tuple[int, int]]
) -> None:
    few, many = asked[model]

    assert many == few


def test_what_it_shows_of_a_tenant(operator: Client) -> None:
    partner = Partner.objects.create(slug="brightline", name="Brightline")
    hafen = make_row(1, partner, name="Hafen")
    make_row(2, name="Behind Ltd", schema_fingerprint="other", release="0.1.0")
    Instance.objects.create(
        name="n8n", base_url="http://n8n", shape="shared", partner=partner, owner_key="key",
        health="down", health_detail="It does not answer.",
    )  # fmt: skip
    shown = operator.get(f"{PAGE}?q=hafen").content.decode()

    for text in ("Hafen", "row-001.localhost", "Brightline", "0.2.0", "2\xa0hours ago", "Down"):
        assert text in shown, text
    assert "n8n: It does not answer." in shown
    assert f"{PAGE}{hafen.pk}/enter/" in shown
    behind = operator.get(f"{PAGE}?q=behind").content.decode()
    assert "0.1.0" in behind
    assert "Its schema lacks migrations" in behind


def test_n8n_is_that_of_the_tenant_and_of_its_region_or_none(operator: Client) -> None:
    partner = Partner.objects.create(slug="brightline", name="Brightline")
    anywhere = make_row(1, partner, name="Anywhere")
    make_row(2, partner, name="European", region="eu")
    own = make_row(3, partner, name="Own")
    make_row(4, name="Own sandbox", environment="sandbox", sandbox_of=own)
    nowhere = make_row(5, partner, name="Nowhere")
    waiting = make_row(6, partner, name="Waiting")
    make_row(7, name="Alone")
    given = {"owner_key": "key", "shape": "brought", "health": "ok", "region": "us"}
    Instance.objects.create(name="US", base_url="http://us", partner=partner, **given)
    Instance.objects.create(
        name="Its own", base_url="http://own", tenant=own, **{**given, "health": "down"}
    )
    for tenant, status, said in (
        (anywhere, "done", ""), (nowhere, "done", "Not bound: n8n was away."),
        (waiting, "pending", ""),
    ):  # fmt: skip
        ProvisioningStep.objects.create(
            tenant=tenant, name="n8n workspace", status=status, error=said
        )

    page = operator.get(f"{PAGE}?q=row-")
    rows = {row.name: row.cells["n8n"][row.pk] for row in page.context["cl"].result_list}

    assert {name: mark.text for name, mark in rows.items()} == {
        "Anywhere": "OK", "European": "Not bound", "Own": "Down", "Own sandbox": "Down",
        "Nowhere": "Not bound", "Waiting": "Not confirmed", "Alone": "Not bound",
    }  # fmt: skip
    assert "n8n was away" in rows["Nowhere"].title
    for value, found in (
        ("ok", {"Anywhere"}), ("down", {"Own", "Own sandbox"}),
        ("troubled", {"Own", "Own sandbox"}),
        ("unbound", {"European", "Nowhere", "Waiting", "Alone"}),
    ):  # fmt: skip
        listed = operator.get(f"{PAGE}?q=row-&n8n={value}").context["cl"].result_list
        assert {row.name for row in listed} == found, value


def test_a_sandbox_stands_under_its_production_and_with_its_partner(operator: Client) -> None:
    partner = Partner.objects.create(slug="brightline", name="Brightline")
    zebra = make_row(1, partner, name="Zebra")
    make_row(2, name="Zulu")
    make_row(3, name="Alpha try-out", environment="sandbox", sandbox_of=zebra)

    rows = operator.get(PAGE).context["cl"].result_list
    names = [row.name for row in rows if row.name[0] in "ZA"]
    assert names == ["Zebra", "Alpha try-out", "Zulu"]
    assert {row.lead for row in rows if row.family == "Zebra"} == {"Brightline"}
    found = operator.get(f"{PAGE}?partner=brightline").context["cl"].result_list
    assert {row.name for row in found} == {"Zebra", "Alpha try-out"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=row-001.localhost", {"One"}),
        ("q=bright", {"One", "Three"}),
        ("status__exact=suspended", {"Two"}),
        ("environment__exact=sandbox", {"Three"}),
        ("tier=strategic", {"One", "Three"}),
        ("region=eu", {"Two"}),
        ("schema=behind&q=row", {"Two"}),
        ("n8n=troubled", {"One", "Three"}),
        ("n8n=down&environment__exact=production", {"One"}),
        ("n8n=nonsense&q=row-00", {"One", "Two", "Three"}),
        ("partner=nobody", set()),
    ],
)
def test_it_can_be_narrowed(query: str, found: set[str], operator: Client) -> None:
    partner = Partner.objects.create(slug="brightline", name="Brightline", tier="strategic")
    one = make_row(1, partner, name="One")
    make_row(2, name="Two", status="suspended", region="eu", schema_fingerprint="other")
    make_row(3, name="Three", environment="sandbox", sandbox_of=one)
    Instance.objects.create(
        name="n8n", base_url="http://n8n", shape="shared", partner=partner, owner_key="key",
        health="down",
    )  # fmt: skip

    shown = operator.get(f"{PAGE}?{query}").context["cl"].result_list
    assert {row.name for row in shown} == found


@pytest.mark.parametrize("order", ["1", "-1", "2", "3", "4", "5"])
def test_it_can_be_sorted(order: str, operator: Client) -> None:
    fill(0, 3)

    assert operator.get(f"{PAGE}?o={order}").status_code == 200


def test_figures_on_top_lead_to_what_they_count(operator: Client) -> None:
    make_row(1, status="suspended", schema_fingerprint="other")
    make_row(2, status="provisioning", schema_fingerprint="")
    summary = operator.get(PAGE).context["cl"].summary

    assert {f.label: f.count for f in summary["statuses"]}["Suspended"] == 1
    behind = summary["alarms"][0]
    listed = operator.get(f"{PAGE}?{behind.query}").context["cl"].result_count
    assert behind.count == listed


@pytest.fixture
def quota_column() -> Iterator[None]:
    """As a higher floor registers one."""
    fleet_page.register_column(
        Column("events", "Events", lambda tenants: {t.pk: Bar(93, "930 of 1,000") for t in tenants})
    )
    yield
    del fleet_page._columns["events"]


def test_a_column_of_a_higher_floor_is_a_bar(operator: Client, quota_column: None) -> None:
    shown = operator.get(PAGE).content.decode()

    assert '<meter class="pg-warning"' in shown
    assert "930 of 1,000" in shown


def test_actions_say_what_came_of_each(operator: Client, north: Tenant) -> None:
    waiting = make_row(1, status="provisioning")
    chosen = {"_selected_action": [str(north.pk), str(waiting.pk)]}

    answer = operator.post(PAGE, {"action": "suspend", "confirmed": "1", **chosen}, follow=True)
    told = answer.content.decode()
    assert "Suspended: North." in told
    assert "Nothing done: Row 001." in told
    north.refresh_from_db()
    assert north.status == Tenant.Status.SUSPENDED
    again = operator.post(PAGE, {"action": "provision_again", **chosen}, follow=True)
    assert "Nothing done: North. They are suspended" in again.content.decode()
    back = operator.post(PAGE, {"action": "reactivate", **chosen}, follow=True)
    assert "Reactivated: North." in back.content.decode()
