import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from controlplane.approvals import services as approvals
from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.core.actor import Actor, ActorKind, Execution
from controlplane.events.incoming import Incoming
from controlplane.events.intake import receive
from controlplane.events.models import Event, Source
from controlplane.events.services import EventUnknown, send_test_event
from controlplane.events.verification import woocommerce
from controlplane.orders import services
from controlplane.orders.contexts import facts_of
from controlplane.orders.models import Order
from controlplane.orders.payload import OrderUnreadable
from controlplane.orders.services import OutcomeNotAllowed, OutcomeRecorded
from controlplane.orders.shops import normalize_order
from controlplane.orders.subjects import describe_order
from controlplane.policies import parameters
from controlplane.policies.models import Decision
from controlplane.policies.services import InputChanged, recompute
from tenants.context import outside
from tests.factories.shopify_orders import body_of, body_with_lines

MACHINE = Actor(
    ActorKind.MACHINE, "key", "test key", execution=Execution("wf1", "77", "Review", "0:0")
)


@pytest.fixture
def event(tenant):
    """`event("eur_small", total_price="1")`: an event of a Shopify source, as intake keeps it."""
    source = Source.objects.create(slug="shopify-test", name="Shop", secret="s" * 32)

    def make(name="eur_small", /, *, body="", event_type="order.created", is_test=False, **changes):
        body = body or body_of(name, **changes)
        digest = hashlib.sha256(body.encode()).hexdigest()
        return Event.objects.create(
            source=source,
            type=event_type,
            external_id=digest[:20],
            body=body,
            body_sha256=digest,
            is_test=is_test,
        )

    return make


@pytest.fixture
def limits(monkeypatch):
    limits = {"hold_above": {"minor": 5000, "currency": "EUR"}}
    monkeypatch.setattr(parameters, "_provider", lambda installation_id: limits)


def review(event, by=MACHINE):
    return services.review_order(event_id=event.pk, by=by)


def record(order, outcome, note=""):
    return services.record_outcome(order_id=order.pk, outcome=outcome, note=note, by=MACHINE)


def codes(decision):
    return [reason["code"] for reason in decision.reasons]


def approve(order, member, decision="approve"):
    approval = approvals.request_approval(
        subject_type="order",
        subject_id=order.pk,
        note="",
        expires_in=timedelta(hours=1),
        resume_url="",
        by=MACHINE,
    )
    if decision:
        approvals.decide(approval_id=approval.pk, decision=decision, comment="", by=member)
    return approval


def test_a_plain_order_is_accepted_and_kept(event):
    reviewed = review(event())
    order = Order.objects.get(pk=reviewed.order.pk)
    assert reviewed.decision.verdict == order.verdict == "accept"
    assert (order.number, order.status) == ("#1001", "reviewed")
    assert str(order.money) == "68.1000 EUR"
    assert [line.sku for line in order.lines.all()] == ["ROPE-10-WH", "SHK-08-A4"]
    assert order.ship_to["city"] == "Hamburg"
    assert verify_chain().broken_at is None


def test_the_execution_is_noted_on_the_event(event):
    received = event()
    review(received)
    received.refresh_from_db()
    assert (received.workflow_id, received.execution_id) == ("wf1", "77")


def test_the_same_event_again_gives_the_same_decision(event, limits):
    received = event()
    first = review(received)
    again = review(received)
    assert again.decision.pk == first.decision.pk
    assert Decision.objects.filter(subject_id=first.order.pk).count() == 1
    assert Entry.objects.filter(action="order.reviewed", subject_id=first.order.pk).count() == 1


def test_a_second_decision_on_one_event_is_impossible(event):
    decision = review(event()).decision
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.create(
            context="order",
            subject_type="order",
            subject_id=decision.subject_id,
            event_id=decision.event_id,
            verdict="accept",
            input_sha256="0" * 64,
        )


def test_parameters_of_the_installation_hold(event, limits):
    reviewed = review(event())
    assert codes(reviewed.decision) == ["over_limit"]
    assert reviewed.order.status == "held"
    assert reviewed.decision.parameters["hold_above"]["minor"] == 5000
    assert reviewed.decision.parameters["home_countries"] == []


@pytest.mark.parametrize("name", ["jpy", "kwd", "non_ascii", "usd_large", "cad"])
def test_other_currencies_are_held_where_the_limit_is_in_euros(event, limits, name):
    assert codes(review(event(name)).decision) == ["no_limit_for_currency"]


def test_an_event_of_the_test_button_is_a_test_order(event):
    assert codes(review(event(is_test=True)).decision) == ["test_order"]


def test_200_lines_are_kept(event):
    reviewed = review(event(body=body_with_lines(200)))
    assert reviewed.order.lines.count() == 200
    assert reviewed.decision.verdict == "accept"


def test_unreadable_fields_are_kept_for_people(event):
    order = review(event(total_price="x", total_price_set=None)).order
    order.refresh_from_db()
    assert order.status == "held"
    assert order.problems[0]["field"] == "total_price"


def test_a_later_event_brings_the_order_up_to_date(event):
    first = review(event())
    second = review(event(event_type="order.cancelled", cancelled_at="2026-03-02T12:00:00Z"))
    assert second.order.pk == first.order.pk
    assert second.decision.pk != first.decision.pk
    assert second.order.lines.count() == 2
    assert Order.objects.get(pk=first.order.pk).verdict == "reject"


def test_the_first_event_again_does_not_turn_the_order_back(event):
    created = event()
    review(created)
    review(event(event_type="order.cancelled", cancelled_at="2026-03-02T12:00:00Z"))
    again = review(created)
    assert again.decision.verdict == "accept"
    assert again.order.verdict == "reject"


def test_a_decision_can_be_computed_again(event, limits):
    received = event()
    decision = review(received).decision
    facts = facts_of(normalize_order(received.body))
    assert recompute(decision, data=facts) == "hold"
    with pytest.raises(InputChanged):
        recompute(decision, data={"order": {**facts["order"], "number": "#2"}})


def test_what_is_no_order_is_refused_and_leaves_nothing(event):
    with pytest.raises(OrderUnreadable):
        review(event(body=json.dumps({"hello": 1})))
    assert not Order.objects.filter(number="").exists()


def test_an_unknown_event_is_refused(tenant):
    import uuid

    with pytest.raises(EventUnknown):
        services.review_order(event_id=uuid.uuid4(), by=MACHINE)


def test_an_accepted_order_is_recorded_once(event):
    order = review(event()).order
    first = record(order, "accepted", "shipped")
    again = record(order, "accepted", "again")
    assert (again.outcome_note, again.outcome_sequence) == ("shipped", first.outcome_sequence)
    assert Entry.objects.filter(action="order.accepted", subject_id=order.pk).count() == 1
    with pytest.raises(OutcomeRecorded, match=r"#1001 was accepted on .* cannot become rejected"):
        record(order, "rejected")


def test_a_rejected_order_is_never_accepted(event):
    order = review(event("cancelled")).order
    with pytest.raises(OutcomeNotAllowed, match="rejected by the tenant's policies"):
        record(order, "accepted")
    assert record(order, "rejected").status == "rejected"


def test_a_held_order_needs_its_approval(event, limits, member_actor):
    order = review(event()).order
    with pytest.raises(OutcomeNotAllowed, match="nobody was asked"):
        record(order, "accepted")
    approve(order, member_actor, decision=None)
    with pytest.raises(OutcomeNotAllowed, match="its approval is pending"):
        record(order, "accepted")
    approve(order, member_actor)
    assert record(order, "accepted").status == "accepted"


def test_a_refused_order_is_not_accepted(event, limits, member_actor):
    order = review(event()).order
    approve(order, member_actor, decision="reject")
    with pytest.raises(OutcomeNotAllowed, match="its approval is rejected"):
        record(order, "accepted")
    assert record(order, "rejected").outcome == "rejected"


def test_an_approval_of_an_older_decision_does_not_count(event, limits, member_actor):
    order = review(event()).order
    approve(order, member_actor)
    review(event(event_type="order.updated", note="ten times as many, please"))
    with pytest.raises(OutcomeNotAllowed, match="judged again"):
        record(order, "accepted")


def test_an_outcome_stays_when_the_order_is_judged_again(event):
    order = review(event()).order
    record(order, "accepted")
    later = review(event(event_type="order.cancelled", cancelled_at="2026-03-02T12:00:00Z"))
    assert (later.order.status, later.order.outcome) == ("accepted", "accepted")


def test_people_see_who_what_and_why(event, limits):
    order = review(event()).order
    subject = describe_order(order.pk)
    assert subject.title == "Order #1001"
    assert "3 × Mooring rope" in subject.summary
    assert "Jana Petersen, Petersen Yachtbedarf" in subject.summary
    assert subject.revision == str(order.decision_id)
    assert subject.reasons[0]["message"] == "The total 68.10 EUR is above the limit."


def test_the_operation_answers_as_declared(event, machine, north):
    received = event()
    with outside():
        call = machine(north).post
        review_path, outcome_path = (
            f"/api/v1/operations/order/{name}" for name in ("review", "record_outcome")
        )
        answer = call(review_path, {"event_id": str(received.pk)}, "application/json")
        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert body["total"] == {"amount": "68.10", "currency": "EUR"}
        assert (body["number"], body["verdict"], body["reasons"]) == ("#1001", "accept", [])
        assert body["url"].endswith(f"/orders/{body['order_id']}/")
        outcome = {"order_id": body["order_id"], "outcome": "accepted"}
        recorded = call(outcome_path, outcome, "application/json")
        assert recorded.status_code == 200, recorded.content
        assert recorded.json()["audit_sequence"] > 0
        refused = call(outcome_path, {**outcome, "outcome": "rejected"}, "application/json")
        assert refused.status_code == 409
        assert refused.json()["code"] == "outcome_recorded"


def test_an_order_of_woocommerce_goes_the_same_way(tenant):
    source = Source.objects.create(slug="woo", name="Shop", kind="woocommerce", secret="s" * 32)
    body = (Path(settings.BASE_DIR) / "tests/data/woocommerce/order.json").read_bytes()
    headers = {
        woocommerce.SIGNATURE_HEADER: woocommerce.sign(body, source.secret),
        "X-WC-Webhook-Topic": "order.created",
        "X-WC-Webhook-Delivery-ID": "7",
    }
    received = receive(source=source, incoming=Incoming.of(body, headers))

    reviewed = review(received.event)

    assert (reviewed.order.number, reviewed.decision.verdict) == ("#727", "accept")
    assert reviewed.order.lines.count() == 2
    done = services.record_outcome(
        order_id=reviewed.order.pk, outcome="accepted", note="", by=MACHINE
    )
    assert done.outcome == "accepted"


def test_the_sample_of_a_woocommerce_source_is_an_order(tenant):
    source = Source.objects.create(slug="woo", name="Shop", kind="woocommerce", secret="s" * 32)

    reviewed = review(send_test_event(source=source).event)

    assert [reason["code"] for reason in reviewed.decision.reasons] == ["test_order"]
