"""What a scraper sees, who may look, and what it costs."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from django.conf import settings as configured
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from controlplane.approvals.models import Approval
from controlplane.core import exposition, measures
from controlplane.core.measures import Counter, Family, Gauge, Histogram
from controlplane.events import circuit
from controlplane.events.measures import INTAKE, RELAYED, note_relayed
from controlplane.events.models import OutboxMessage
from controlplane.policies.measures import count_decision
from tenants import measures as of_tenants
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.approvals import make_approval
from tests.factories.events import make_source, make_workspace

ROOT = Path(configured.BASE_DIR)


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    def clear() -> None:
        measures._anew()
        with measures.store() as shared:
            shared.delete(measures.KEY, of_tenants.KEY)

    clear()
    yield
    clear()


def scrape(**extra: Any) -> dict[str, dict[tuple[str, ...], float]]:
    """By the sample's name, the values by labels in the order of their names."""
    measures.hand_over()
    answer = Client(headers={"host": "localhost"}).get("/metrics", **extra)
    assert answer.status_code == 200, answer.content
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = tuple(value for _name, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_what_comes_in_is_counted_by_how_it_was_answered(north: Tenant) -> None:
    with inside(north):
        make_source()
    client = Client(headers={"host": "localhost"})
    for _n in range(2):
        client.post("/in/north/shop", b"{}", content_type="application/json")
    client.post("/in/north/nowhere", b"{}", content_type="application/json")

    found = scrape()["pergola_intake_total"]

    # Labels in the order of their names: reason, result, tenant.
    assert found[("source_unknown", "refused", str(north.pk))] == 1
    assert found[("signature_invalid", "refused", str(north.pk))] == 2


def test_processes_are_added_up(db: None) -> None:
    """As when several workers serve: each hands over what it counted itself."""
    for _process in range(3):
        measures._anew()
        INTAKE.add("t1", "accepted", "", amount=2)
        measures.hand_over()

    assert scrape()["pergola_intake_total"][("", "accepted", "t1")] == 6


def test_a_forked_child_begins_with_nothing_to_hand_over(db: None) -> None:
    INTAKE.add("t1", "accepted", "")
    reader, writer = os.pipe()
    if not (child := os.fork()):
        os.write(writer, json.dumps(measures._pending.amounts).encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reader, 1000) == b"{}"
    assert scrape()["pergola_intake_total"][("", "accepted", "t1")] == 1


def test_a_process_hands_over_by_itself(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "SECONDS", 0.01)
    INTAKE.add("t1", "accepted", "")
    deadline = time.monotonic() + 20

    while not measures.counted() and time.monotonic() < deadline:
        time.sleep(0.01)

    assert measures.counted()


def test_nothing_is_lost_while_redis_is_away(db: None, settings: Any) -> None:
    INTAKE.add("t1", "accepted", "")
    there = settings.REDIS_URL
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(redis.RedisError):
        measures.hand_over()
    refused = Client(headers={"host": "localhost"}).get("/metrics")
    assert (refused.status_code, refused.json()["code"]) == (503, "metrics_away")
    settings.REDIS_URL = there
    INTAKE.add("t1", "accepted", "")

    assert scrape()["pergola_intake_total"][("", "accepted", "t1")] == 2


def test_times_fall_into_buckets(db: None) -> None:
    for seconds in (0.001, 0.02, 0.02, 1000.0):
        RELAYED.observe(seconds, "events.deliver")

    found = scrape()

    buckets = found["pergola_outbox_handled_seconds_bucket"]
    assert buckets[("events.deliver", "0.005")] == 1
    assert buckets[("events.deliver", "0.025")] == 3
    assert buckets[("events.deliver", "300.0")] == 3
    assert buckets[("events.deliver", "+Inf")] == 4
    assert found["pergola_outbox_handled_seconds_count"][("events.deliver",)] == 4
    assert found["pergola_outbox_handled_seconds_sum"][("events.deliver",)] == 1000.041


def test_a_message_tells_how_long_it_waited_but_not_after_a_retry(db: None) -> None:
    message = OutboxMessage(schema_name="t", handler="h", reference="x")
    note_relayed([("h", message.pk, 0), ("h", message.pk, 3)])

    found = scrape()["pergola_outbox_handled_seconds_bucket"]
    assert found[("h", "60.0")] == 1
    assert found[("h", "+Inf")] == 1


def test_the_relays_lag_is_the_age_of_what_is_due(north: Tenant) -> None:
    for due, failed in ((90, False), (-60, False), (500, True)):
        OutboxMessage.objects.create(
            schema_name=north.schema_name, handler="h", reference=north.pk,
            due_at=timezone.now() - timedelta(seconds=due),
            failed_at=timezone.now() if failed else None,
        )  # fmt: skip

    found = scrape()

    assert found["pergola_outbox_messages"] == {("due",): 1, ("given_up",): 1}
    assert 89 < found["pergola_outbox_oldest_due_seconds"][()] < 120


def test_approvals_that_wait_are_asked_inside_the_tenant(north: Tenant, south: Tenant) -> None:
    with inside(north):
        make_workspace()
        make_approval()
        Approval.objects.update(requested_at=timezone.now() - timedelta(hours=2))
        of_tenants.refresh()
    with inside(south):
        of_tenants.refresh()

    found = scrape()

    assert found["pergola_approvals_waiting"] == {(str(north.pk),): 1, (str(south.pk),): 0}
    assert 7199 < found["pergola_approvals_oldest_seconds"][(str(north.pk),)] < 7300


def test_a_gauge_that_fails_hides_no_other(north: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise ValueError("no such column")

    monkeypatch.setitem(of_tenants._asked, of_tenants.EXCEPTIONS_OPEN.name, fail)
    with inside(north):
        of_tenants.refresh()

    found = scrape()
    assert (str(north.pk),) in found["pergola_approvals_waiting"]
    assert "pergola_exceptions_open" not in found


def test_an_app_feeds_a_gauge_with_labels_of_its_own(
    north: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_tenants, "_asked", {})
    of_tenants.feed(of_tenants.EXCEPTIONS_OPEN, lambda: [(("timeout",), 3), (("parse",), 1)])
    with inside(north):
        of_tenants.refresh()

    # Labels in the order of their names: tenant, type.
    assert scrape()["pergola_exceptions_open"] == {
        (str(north.pk), "timeout"): 3, (str(north.pk), "parse"): 1,
    }  # fmt: skip


def test_a_tenant_that_is_gone_drops_out(north: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    with inside(north):
        count_decision("order", "hold")
        of_tenants.refresh()
    assert scrape()["pergola_decisions_total"] == {("order", str(north.pk), "hold"): 1}

    monkeypatch.setattr(of_tenants, "STALE", -1)
    assert "pergola_approvals_waiting" not in scrape()
    assert of_tenants.count_of(str(north.pk)) == 1
    of_tenants.forget(str(north.pk))
    assert of_tenants.count_of(str(north.pk)) == 0
    assert "pergola_decisions_total" not in scrape()


def test_tenants_beyond_the_bound_are_told_together(db: None, settings: Any) -> None:
    settings.METRICS_MAX_TENANTS = 2
    for number in range(5):
        INTAKE.add(f"t{number}", "accepted", "", amount=number)

    found = scrape()["pergola_intake_total"]

    assert found == {
        ("", "accepted", "t0"): 0, ("", "accepted", "t1"): 1, ("", "accepted", "other"): 9,
    }  # fmt: skip


def test_one_process_keeps_a_bounded_number_of_series(db: None, settings: Any) -> None:
    settings.METRICS_MAX_SERIES = 3
    for number in range(10):
        INTAKE.add(f"t{number}", "accepted", "")

    assert len(measures._pending.amounts) == 3


def test_a_scrape_costs_the_same_however_many_tenants(
    db: None, django_assert_num_queries: Any
) -> None:
    with measures.store() as shared:
        for number in range(50):
            told = {"at": time.time(), "gauges": {"pergola_approvals_waiting": [[[], number]]}}
            shared.hset(of_tenants.KEY, f"tenant-{number}", json.dumps(told))

    # Entering the shared schema, instances, and the outbox for each of its gauges.
    with django_assert_num_queries(4):
        found = scrape()

    assert len(found["pergola_approvals_waiting"]) == 50


@pytest.mark.parametrize(
    ("headers", "remote", "status"),
    [
        ({}, "127.0.0.1", 200),
        ({}, "::1", 200),
        ({}, "203.0.113.9", 403),
        ({"x-forwarded-for": "203.0.113.9"}, "127.0.0.1", 403),
    ],
)
def test_without_a_token_only_this_machine_may_ask(
    db: None, headers: dict[str, str], remote: str, status: int
) -> None:
    answer = Client(headers={"host": "localhost", **headers}).get("/metrics", REMOTE_ADDR=remote)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("shown", "status"),
    [("Bearer right", 200), ("Bearer wrong", 403), ("right", 403), ("", 403), ("Bearer ä", 403)],
)
def test_with_a_token_it_has_to_be_shown_even_here(
    db: None, settings: Any, shown: str, status: int
) -> None:
    settings.METRICS_TOKEN = "right"
    answer = Client(headers={"host": "localhost", "authorization": shown}).get("/metrics")

    assert answer.status_code == status


def test_a_tenants_host_shows_no_measures(north: Tenant, browser: Callable[..., Client]) -> None:
    assert browser(north).get("/metrics").status_code == 404


# --- The board and the alerts name what there is ----------------------------------------------

NAMES = re.compile(r"\bpergola_[a-z0-9_]+")


def samples_of(family: Family) -> set[str]:
    if isinstance(family, Histogram):
        return {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
    return {family.name}


@pytest.mark.parametrize("file", ["grafana/pergola.json", "prometheus/alerts.yml"])
def test_every_measure_that_is_named_exists(file: str) -> None:
    text = (ROOT / "deploy" / file).read_text()
    known = set().union(*(samples_of(family) for family in measures.declared().values()))

    named = set(NAMES.findall(text))

    assert named - known == set()
    assert len(named) >= 8


def test_the_board_shows_every_measure() -> None:
    text = (ROOT / "deploy/grafana/pergola.json").read_text()

    for family in measures.declared().values():
        assert samples_of(family) & set(NAMES.findall(text)), family.name


def test_no_panel_lies_over_another() -> None:
    panels = json.loads((ROOT / "deploy/grafana/pergola.json").read_text())["panels"]
    places = [(panel["title"], panel["gridPos"]) for panel in panels]

    assert len({panel["id"] for panel in panels}) == len(panels)
    for (title, one), (other_title, other) in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, f"{title} and {other_title}"


def test_alerts_say_what_to_do() -> None:
    groups = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]

    for rule in [rule for group in groups for rule in group["rules"]]:
        assert {"alert", "expr", "for", "labels", "annotations"} <= set(rule)
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert {"summary", "description"} <= set(rule["annotations"])


def test_the_page_of_measures_is_whole() -> None:
    text = (ROOT / "docs/measures.md").read_text()

    for family in measures.declared().values():
        assert f"`{family.name}`" in text, family.name


def test_names_say_what_they_are() -> None:
    for family in measures.declared().values():
        assert family.name.startswith("pergola_")
        assert family.name.endswith("_total") == isinstance(family, Counter)
        assert family.name.endswith("_seconds") or not isinstance(family, Histogram)
        assert family.about.endswith(".")
        assert isinstance(family, Counter | Histogram | Gauge)


def test_labels_hold_no_customers_data() -> None:
    allowed = {
        "tenant", "result", "reason", "handler", "state", "instance", "type", "context", "verdict",
        "resource",
    }  # fmt: skip

    for family in measures.declared().values():
        assert set(family.labels) <= allowed, family.name
    assert exposition.OTHERS not in allowed


def test_an_open_circuit_is_told_until_n8n_answers(north: Tenant) -> None:
    with inside(north):
        instance_id = make_workspace().instance_id
        for _number in range(circuit.FAILURES):
            circuit.note_failure(instance_id)
        of_tenants.refresh()
    labels = (str(instance_id), str(north.pk))
    assert scrape()["pergola_circuit_open"][labels] == 1

    with inside(north):
        circuit.note_success(instance_id)
        of_tenants.refresh()
    assert scrape()["pergola_circuit_open"][labels] == 0
