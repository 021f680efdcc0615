"""What a tenant may use: refused with a clear 429, counted for that tenant alone."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils.translation import override
from redis import Redis

from tenants import files, lookup
from tenants.admin.limits import QuotaForm
from tenants.context import inside, outside
from tenants.fleet_page import fleet
from tenants.limits import admission, rates, spend, storage
from tenants.limits.fleet_column import narrow
from tenants.limits.plans import GIB, PLANS, USD, Resource, written
from tenants.limits.refusal import LimitReached
from tenants.limits.use import uses_of
from tenants.models import Member, ModelSpend, Partner, Quota, Tenant
from tests.factories.events import make_source, order_body, webhook_headers
from tests.factories.limits import forget_counts, limit


@pytest.fixture(autouse=True)
def _counters_of_this_test() -> Iterator[None]:
    yield
    forget_counts()


def send(client: Client, number: int) -> Any:
    body = order_body(number)
    headers = webhook_headers(body)
    return client.post("/in/north/shop", body, "application/json", headers=headers)


def test_too_many_requests_are_refused_with_the_time_to_come_back(
    north: Tenant, machine: Callable[..., Client]
) -> None:
    limit(north, Resource.REQUESTS, 3)
    caller = machine(north)

    answers = [caller.get("/api/v1/whoami") for _number in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    problem = answers[-1].json()
    assert problem["code"] == "request_limit_reached"
    assert "3 requests a minute" in problem["detail"]
    assert answers[-1]["Content-Type"] == "application/problem+json"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60


def test_a_flood_is_refused_without_asking_the_database(
    north: Tenant, machine: Callable[..., Client], django_assert_num_queries: Any
) -> None:
    limit(north, Resource.REQUESTS, 1)
    caller = machine(north)
    statuses = [caller.get("/api/v1/whoami").status_code for _number in range(2)]

    with django_assert_num_queries(0):
        statuses.append(caller.get("/api/v1/whoami").status_code)

    assert statuses == [200, 429, 429]


def test_one_tenants_requests_are_not_anothers(
    north: Tenant, south: Tenant, machine: Callable[..., Client]
) -> None:
    limit(north, Resource.REQUESTS, 1)
    noisy, quiet = machine(north), machine(south)
    noisy.get("/api/v1/whoami")

    assert noisy.get("/api/v1/whoami").status_code == 429
    assert quiet.get("/api/v1/whoami").status_code == 200


def test_strangers_use_up_their_own_share_only(
    north: Tenant, machine: Callable[..., Client], browser: Callable[..., Client]
) -> None:
    limit(north, Resource.REQUESTS, 2)
    stranger = Client(headers={"host": "localhost"})
    visitor = Client(headers={"host": north.host})
    floods = [stranger.post("/in/north/shop", {}).status_code for _number in range(3)]
    floods.append(visitor.get("/support/").status_code)

    assert floods[2:] == [429, 429]
    assert machine(north).get("/api/v1/whoami").status_code == 200
    assert browser(north).get("/orders/").status_code == 200


def test_a_person_gets_a_page(north: Tenant, browser: Callable[..., Client]) -> None:
    limit(north, Resource.REQUESTS, 1)
    ada = browser(north)
    ada.get("/orders/")

    refused = ada.get("/orders/")

    assert refused.status_code == 429
    assert "Too many requests" in refused.content.decode()


def test_without_redis_nobody_is_refused(
    north: Tenant, machine: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(north, Resource.REQUESTS, 1)
    rates._storage.cache_clear()
    rates._limiter.cache_clear()
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        caller = machine(north)
        statuses = {caller.get("/api/v1/whoami").status_code for _number in range(3)}
    rates._storage.cache_clear()
    rates._limiter.cache_clear()

    assert statuses == {200}


def test_an_event_over_the_quota_is_refused_and_none_of_it_is_kept(north: Tenant) -> None:
    from controlplane.events.models import Event

    limit(north, Resource.EVENTS, 1)
    with inside(lookup.tenant_by_slug("north")):
        make_source()
    sender = Client(headers={"host": "localhost"})

    first, second = (send(sender, number) for number in (1, 2))

    assert (first.status_code, second.status_code) == (202, 429)
    assert json.loads(second.content)["code"] == "event_quota_reached"
    with inside(north):
        assert Event.objects.count() == 1


def test_the_same_event_again_costs_nothing(north: Tenant) -> None:
    limit(north, Resource.EVENTS, 1)
    with inside(lookup.tenant_by_slug("north")):
        make_source()
    sender = Client(headers={"host": "localhost"})

    assert [send(sender, 1).status_code for _again in range(3)] == [202, 200, 200]


def test_a_file_over_the_quota_is_refused_and_nothing_is_left(north: Tenant, tmp_path: Any) -> None:
    limit(north, Resource.STORAGE, 1)
    with (
        override_settings(FILES_ROOT=tmp_path),
        inside(lookup.tenant_by_slug("north")),
        pytest.raises(LimitReached, match="Nothing was kept"),
    ):
        files.store([b"some bytes"], limit=100)

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_is_stored_and_deleted_is_counted(tenant: Tenant, tmp_path: Any) -> None:
    with override_settings(FILES_ROOT=tmp_path):
        before = storage.used_bytes()
        kept = files.store([b"x" * 1000], limit=2000)
        files.store([b"x" * 1000], limit=2000)  # the same content is kept once
        assert storage.used_bytes() == before + 1000

        files.delete(kept.sha256)
        files.delete(kept.sha256)

        assert storage.used_bytes() == before


@override_settings(LLM_PRICE_IN=Decimal("2.50"), LLM_PRICE_OUT=Decimal("10"))
def test_models_are_paid_for_until_the_month_is_spent(north: Tenant) -> None:
    limit(north, Resource.MODEL_SPEND, 1000)
    entered = lookup.tenant_by_slug("north")
    with inside(entered):
        spend.assert_may_spend()
        spend.add(tokens_in=101, tokens_out=75)
        with pytest.raises(LimitReached) as refused:
            spend.assert_may_spend()

    assert ModelSpend.objects.get(tenant=north).amount == 1003  # 252.5 + 750, rounded up
    assert refused.value.code == "model_quota_reached"


def test_a_quota_of_a_tenant_comes_before_its_plan(north: Tenant) -> None:
    partner = north.lead_partner
    assert partner is not None
    Partner.objects.filter(pk=partner.pk).update(tier=Partner.Tier.STRATEGIC)
    Quota.objects.create(tenant=north, resource=Resource.EVENTS, amount=7)

    found = Tenant.objects.get(pk=north.pk).allowances

    assert found[Resource.EVENTS] == 7
    assert found[Resource.STORAGE] == PLANS[Partner.Tier.STRATEGIC][Resource.STORAGE]


def test_activity_is_noted_once_a_minute(north: Tenant, machine: Callable[..., Client]) -> None:
    admission._seen.clear()
    caller = machine(north)
    caller.get("/api/v1/whoami")
    first = Tenant.objects.get(pk=north.pk).last_active_at
    caller.get("/api/v1/whoami")

    assert first is not None
    assert Tenant.objects.get(pk=north.pk).last_active_at == first


def test_a_tenants_tasks_are_sent_to_its_lane(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    from celery import current_app

    from controlplane.core.jobs import enqueue_on_commit
    from controlplane.core.lanes import lane_of

    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(current_app, "send_task", lambda *_name, **options: sent.append(options))
    with django_capture_on_commit_callbacks(execute=True):
        enqueue_on_commit("invoices.read", invoice_id="1")

    assert sent[0]["queue"] == lane_of(tenant.schema_name)


def test_redis_is_there(db: None) -> None:
    """So that what passes above passes for the right reason."""
    from django.conf import settings

    assert Redis.from_url(settings.REDIS_URL).ping()


def test_a_manager_sees_what_is_allowed_and_used_before_it_is_used_up(
    north: Tenant, browser: Callable[..., Client]
) -> None:
    limit(north, Resource.EVENTS, 4)
    limit(north, Resource.STORAGE, 1)
    with outside():
        ModelSpend.objects.create(tenant=north, month=spend.this_month(), amount=21 * USD)
    rates.count_event(lookup.tenant_by_slug("north"))

    page = browser(north, role=Member.Role.MANAGER).get("/data/").content.decode()

    rows = {row.split("</div>")[0]: row for row in page.split('<div class="row-title">')}
    assert "1" in rows["Events today (UTC)"]
    assert 'width="25.0"' in rows["Events today (UTC)"]
    assert "bar-drawn bar-bad" in rows["Storage"]
    assert "Nothing more is kept." in rows["Storage"]
    assert "bar-drawn bar-wait" in rows["Language models this month (UTC)"]
    assert "US$ 21.00" in rows["Language models this month (UTC)"]
    assert "0.00 GiB" in rows["Storage"]
    assert "1,000,000,000" in rows["Requests in this minute"]
    assert "Nothing more is kept." not in rows["Requests in this minute"]


def test_amounts_are_written_as_the_reader_writes_numbers() -> None:
    with override("de"):
        assert written(Resource.STORAGE, 1_234 * GIB + GIB // 2) == "1.234,50 GiB"
        assert written(Resource.MODEL_SPEND, 25 * USD) == "US$ 25,00"
        assert written(Resource.EVENTS, 50_000) == "50.000"
    assert written(Resource.MODEL_SPEND, 1_996_000) == "US$ 2.00"


def test_where_nothing_is_allowed_all_is_used_up_for_whoever_looks(
    north: Tenant, browser: Callable[..., Client]
) -> None:
    limit(north, Resource.MODEL_SPEND, 0)

    page = browser(north, role=Member.Role.MANAGER).get("/data/").content.decode()

    row = page.split("Language models this month (UTC)")[1].split("</tr>")[0]
    assert "bar-drawn bar-bad" in row
    assert "Answers are quoted from their sources until the month ends." in row
    with outside():
        (use,) = uses_of({north.pk: None})[north.pk]
        assert [*narrow(fleet(Tenant.objects.filter(pk=north.pk)), "full")] == [north]
    assert (use.percent, use.state) == (100, "full")


@pytest.mark.parametrize(
    ("resource", "written", "kept"),
    [
        ("storage", "2.5", 2_684_354_560),
        ("model_spend", "40", 40_000_000),
        ("model_spend", "0.99", 990_000),
        ("events", "1000", 1000),
    ],
)
def test_an_amount_is_written_in_the_unit_that_people_think_in(
    resource: str, written: str, kept: int, north: Tenant
) -> None:
    form = QuotaForm({"resource": resource, "amount": written}, instance=Quota(tenant=north))
    assert form.is_valid(), form.errors
    quota = form.save(commit=False)

    assert quota.amount == kept
    again = QuotaForm(instance=quota)
    assert str(again["amount"].value()) == written
    same = QuotaForm({"resource": resource, "amount": written}, instance=quota)
    assert not same.has_changed()


@pytest.mark.parametrize(
    ("resource", "written", "said"),
    [
        ("events", "1.5", "Write a whole number."),
        ("storage", "99999999999", "more than can be kept"),
        ("requests", "-1", "greater than or equal to 0"),
    ],
)
def test_an_amount_that_cannot_be_is_told_at_its_field(
    resource: str, written: str, said: str, north: Tenant
) -> None:
    form = QuotaForm({"resource": resource, "amount": written}, instance=Quota(tenant=north))

    assert said in str(form.errors["amount"])


def test_the_form_names_its_units(north: Tenant) -> None:
    choices = str(QuotaForm(instance=Quota(tenant=north))["resource"])

    assert "in GiB" in choices
    assert "in US dollars" in choices
    assert "bytes" not in choices
