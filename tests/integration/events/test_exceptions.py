"""What goes wrong waits for somebody, with an owner and a clock, until it is well again."""

import json
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.core.actor import Execution, system
from controlplane.events import delivery, outbox, services
from controlplane.events.exceptions import again, handling, taxonomy
from controlplane.events.exceptions import operations as exceptions
from controlplane.events.exceptions.opening import open_case
from controlplane.events.incoming import BodyMalformed, Incoming
from controlplane.events.intake import receive
from controlplane.events.models import (
    Delivery,
    Event,
    ExceptionCase,
    Failure,
    OutboxMessage,
    Subscription,
)
from controlplane.events.services import unsubscribe
from controlplane.events.verification import keyed_hash
from tenants.context import outside
from tenants.models import Tenant
from tenants.permissions import Permission, areas_opening
from tests.factories.events import (
    ADA,
    SECRET,
    make_event,
    make_machine,
    make_subscription,
    make_workspace,
)

RELAY = system("relay")


@pytest.fixture
def failed(tenant: Tenant) -> ExceptionCase:
    """An event that its workflow never took."""
    make_workspace()
    make_subscription()
    make_event()
    one = Delivery.objects.get()
    Delivery.objects.update(last_error="n8n answered 500", failure=Failure.REJECTED)
    delivery.give_up(one.pk)
    return ExceptionCase.objects.get()


def story(case: ExceptionCase) -> list[str]:
    return list(case.notes.values_list("kind", flat=True))


def waiting() -> list[uuid.UUID]:
    with outside():
        return list(OutboxMessage.objects.values_list("reference", flat=True))


def test_what_is_given_up_is_an_exception_with_an_owner_and_a_clock(failed: ExceptionCase) -> None:
    assert (failed.type, failed.area, failed.status) == ("rejected", "automation", "open")
    assert failed.subject == "#1001"
    assert failed.detail == "n8n answered 500"
    assert timedelta(hours=3) < failed.due_at - timezone.now() < timedelta(hours=5)
    assert story(failed) == ["opened"]
    assert Delivery.objects.get().status == "failed"


def test_the_hours_are_a_setting(tenant: Tenant, settings: pytest.FixtureRequest) -> None:
    settings.EXCEPTION_HOURS = {"parse": 1}  # type: ignore[attr-defined]

    assert taxonomy.time_to_handle("parse") == timedelta(hours=1)
    assert taxonomy.time_to_handle("policy") == timedelta(hours=taxonomy.HOURS["policy"])


@pytest.mark.parametrize("failure", Failure.values)
def test_every_type_has_an_owner_and_hours(failure: str) -> None:
    assert taxonomy.HOURS[failure] > 0
    # Whose work it is may work on it.
    assert taxonomy.AREAS[failure] in areas_opening(Permission.EXCEPTIONS)


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("connect ECONNREFUSED 127.0.0.1", "connection"),
        ("Request timed out", "timeout"),
        ("429 - Too many requests", "rate_limit"),
        ("A value is missing", "missing_data"),
        ("Unexpected token < in JSON", "parse"),
        ("Held by a policy", "policy"),
        ("something else", "rejected"),
    ],
)
def test_what_others_say_is_sorted(text: str, failure: str) -> None:
    assert taxonomy.of_text(text) == failure


def test_the_same_again_counts_up_and_opens_no_second(failed: ExceptionCase) -> None:
    handling.retry(case=failed, by=ADA)
    delivery.give_up(Delivery.objects.get().pk)

    case = ExceptionCase.objects.get()
    assert (case.occurrences, case.status) == (2, "open")
    assert story(case) == ["opened", "retried", "again"]


def test_assign_comment_and_resolve(failed: ExceptionCase) -> None:
    handling.assign(case=failed, assignee_id="7", assignee="Grace Hopper", by=ADA)
    handling.comment(case=failed, text="The shop sent nonsense.", by=ADA)
    case = handling.resolve(case=failed, resolution="by_hand", text="Booked it.", by=ADA)

    assert (case.assignee, case.status, case.resolved_by) == (
        "Grace Hopper", "resolved", "Ada Lovelace",
    )  # fmt: skip
    assert story(case) == ["opened", "assigned", "comment", "resolved"]
    assert Delivery.objects.get().status == "set_aside"
    for act in (
        lambda: handling.retry(case=case, by=ADA),
        lambda: handling.assign(case=case, assignee_id="", assignee="", by=ADA),
        lambda: handling.resolve(case=case, resolution="dismissed", by=ADA),
    ):
        with pytest.raises(handling.ExceptionResolved, match="Ada Lovelace"):
            act()
    actions = Entry.objects.values_list("action", flat=True)
    assert {"exception.assigned", "exception.resolved"} <= set(actions)


def test_a_retry_sends_the_same_event_again(failed: ExceptionCase) -> None:
    before = len(waiting())

    case = handling.retry(case=failed, by=ADA)

    assert case.status == "retrying"
    assert len(waiting()) == before + 1
    assert Delivery.objects.get().status == "pending"


def test_a_retry_goes_to_who_listens_now_when_n8n_has_started_anew(failed: ExceptionCase) -> None:
    unsubscribe(subscription_id=Subscription.objects.get().pk, by=make_machine())
    make_subscription(path="/webhook/others", workflow_id="wf2")
    back = make_subscription()
    assert failed.workflow_id == back.workflow_id

    handling.retry(case=failed, by=ADA)

    (again,) = Delivery.objects.filter(exceptions=failed)
    assert again.subscription == back
    assert again.pk in waiting()


def test_a_retry_finds_an_installation_whose_workflow_was_made_anew(tenant: Tenant) -> None:
    make_workspace()
    by = replace(make_machine(), installation_id=uuid.uuid4())
    left = make_subscription(by=by)
    make_event()
    delivery.give_up(Delivery.objects.get().pk)
    unsubscribe(subscription_id=left.pk, by=by)
    back = make_subscription(path="/webhook/anew", workflow_id="wf7", by=by)

    handling.retry(case=ExceptionCase.objects.get(), by=ADA)

    assert Delivery.objects.get().subscription == back


def test_so_does_one_whose_run_was_found_missing_after_n8n_had_started_anew(
    tenant: Tenant,
) -> None:
    make_workspace()
    make_subscription()
    event = make_event()
    Event.objects.update(workflow_id="wf1", execution_id="41")
    Delivery.objects.update(status=Delivery.Status.DELIVERED)
    unsubscribe(subscription_id=Subscription.objects.get().pk, by=make_machine())
    back = make_subscription()
    one = Delivery.objects.select_related("event", "subscription").get()
    delivery.open_for(one, Failure.VANISHED_RUN, "It is gone.", execution_id="41")

    handling.retry(case=ExceptionCase.objects.get(), by=ADA)

    again_ = Delivery.objects.get(event=event)
    assert (again_.subscription, again_.status) == (back, "pending")
    assert again_.pk in waiting()


def test_it_closes_by_itself_when_it_is_delivered(failed: ExceptionCase) -> None:
    handling.retry(case=failed, by=ADA)
    delivery.mark_delivered(Delivery.objects.select_related("event").get())

    case = ExceptionCase.objects.get()
    assert (case.status, case.resolution) == ("resolved", "succeeded")


def test_it_closes_by_itself_when_the_same_subject_succeeds_later(failed: ExceptionCase) -> None:
    later = make_event(note="changed")
    other = make_event(number=1002)

    delivery.mark_delivered(Delivery.objects.select_related("event").get(event=other))
    assert ExceptionCase.objects.get().is_open
    delivery.mark_delivered(Delivery.objects.select_related("event").get(event=later))

    assert ExceptionCase.objects.get().resolution == "succeeded"


def test_a_correction_is_a_revision_and_the_original_stays(failed: ExceptionCase) -> None:
    original = Event.objects.get()
    body = json.dumps(json.loads(original.body) | {"email": "new@example.com"})

    case = handling.edit_and_retry(case=failed, body=body, by=ADA)

    revised = Event.objects.exclude(pk=original.pk).get()
    assert (revised.revises, revised.revision, revised.body) == (original.pk, 2, body)
    assert revised.received_at == original.received_at
    original.refresh_from_db()
    assert "kaja@example.com" in original.body
    assert Delivery.objects.get(event=original).status == "set_aside"
    assert Delivery.objects.get(event=revised).pk in waiting()
    assert case.event == revised
    delivery.mark_delivered(Delivery.objects.select_related("event").get(event=revised))
    assert not ExceptionCase.objects.unresolved().exists()


def test_corrections_of_corrections_are_counted(failed: ExceptionCase) -> None:
    original = Event.objects.get()
    case = handling.edit_and_retry(case=failed, body='{"name": "#1001", "a": 1}', by=ADA)
    case = handling.edit_and_retry(case=case, body=original.body, by=ADA)

    assert (case.event.revision, case.event.revises) == (3, original.pk)


@pytest.mark.parametrize("body", ["", "{", "[]", '{"a": NaN}'])
def test_a_correction_that_is_no_event_changes_nothing(failed: ExceptionCase, body: str) -> None:
    with pytest.raises(BodyMalformed):
        handling.edit_and_retry(case=failed, body=body, by=ADA)

    assert Event.objects.count() == 1
    assert ExceptionCase.objects.get().status == "open"


def test_what_could_not_be_read_is_corrected_into_an_event(tenant: Tenant) -> None:
    source = services.create_source(
        slug="s", name="S", kind="hmac", secret=SECRET, options={"id_header": "X-Id"}, by=ADA
    )[0]
    body = b'{"type": "order.created", '
    with pytest.raises(BodyMalformed):
        receive(
            source=source,
            incoming=Incoming.of(body, keyed_hash.signed(source, body) | {"X-Id": "9"}),
        )
    case = ExceptionCase.objects.get()

    with pytest.raises(BodyMalformed):
        handling.retry(case=case, by=ADA)
    case = handling.edit_and_retry(case=case, body='{"type": "order.created"}', by=ADA)

    event = Event.objects.get()
    assert (event.type, event.external_id, case.event) == ("order.created", "9", event)
    assert (case.status, case.resolution) == ("resolved", "replaced")


def test_many_at_once_each_by_itself(failed: ExceptionCase) -> None:
    lonely = open_case(type="policy", fingerprint="x", summary="Nobody’s", by=RELAY)

    outcomes = handling.retry_many(exception_ids=[failed.pk, lonely.pk], by=ADA)

    assert {one.case.pk: bool(one.problem) for one in outcomes} == {
        failed.pk: False, lonely.pk: True,
    }  # fmt: skip


def test_one_field_of_many_is_corrected(failed: ExceptionCase) -> None:
    outcomes = handling.edit_many_and_retry(
        exception_ids=[failed.pk], path="shipping_address.country_code", value="AT", by=ADA
    )

    assert [one.problem for one in outcomes] == [""]
    revised = Event.objects.exclude(revises=None).get()
    assert json.loads(revised.body)["shipping_address"]["country_code"] == "AT"


@pytest.mark.parametrize(
    ("path", "value", "result"),
    [
        ("a", 1, {"a": 1, "l": [{"b": 2}]}),
        ("x.y", "z", {"a": 0, "l": [{"b": 2}], "x": {"y": "z"}}),
        ("l.0.b", None, {"a": 0, "l": [{"b": None}]}),
    ],
)
def test_a_field_is_set_where_its_path_says(path: str, value: object, result: object) -> None:
    assert json.loads(again.with_value('{"a": 0, "l": [{"b": 2}]}', path, value)) == result


@pytest.mark.parametrize("path", ["a.b", "l.7", "l.x", "l.7.b"])
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    with pytest.raises(BodyMalformed, match="is no place"):
        again.with_value('{"a": 0, "l": [{"b": 2}]}', path, 1)


def test_too_many_are_refused(tenant: Tenant) -> None:
    with pytest.raises(handling.TooManyAtOnce):
        handling.retry_many(exception_ids=[uuid.uuid4() for _n in range(501)], by=ADA)


def test_a_failing_delivery_is_told_before_the_last_try(tenant: Tenant) -> None:
    make_workspace()
    make_subscription()
    make_event()
    Delivery.objects.update(attempts=delivery.TOLD_AFTER - 2)

    for opened in (False, True):
        with pytest.raises(outbox.NotYet):
            delivery.deliver(Delivery.objects.get().pk)
        assert ExceptionCase.objects.filter(delivery__isnull=False).exists() is opened
    assert Delivery.objects.get().status == "pending"


@pytest.fixture
def opened(tenant: Tenant) -> ExceptionCase:
    """What a workflow said of the event that it was given."""
    make_workspace()
    make_subscription()
    event = make_event()
    delivery.mark_delivered(Delivery.objects.get())
    by = replace(make_machine(), execution=Execution("wf1", "71", "Say so"))
    found = exceptions.open_exception(
        exceptions.OpenExceptionInput(summary="No SKU", event_id=event.pk), by=by
    )
    return ExceptionCase.objects.get(pk=found.exception_id)


def test_what_a_workflow_opened_is_well_when_its_event_is_delivered_again(
    opened: ExceptionCase,
) -> None:
    handling.retry(case=opened, by=ADA)
    delivery.mark_delivered(Delivery.objects.get())

    opened.refresh_from_db()
    assert (opened.status, opened.resolution) == ("resolved", "succeeded")


def test_what_a_run_says_before_its_delivery_is_done_stays_open(opened: ExceptionCase) -> None:
    delivery.mark_delivered(Delivery.objects.get())

    opened.refresh_from_db()
    assert opened.status == "open"


def test_it_is_not_closed_by_another_workflow(opened: ExceptionCase) -> None:
    make_subscription(path="/webhook/other", workflow_id="wf2")
    handling.retry(case=opened, by=ADA)
    other = Delivery.objects.get()
    other.subscription = Subscription.objects.get(workflow_id="wf2")
    other.save()
    delivery.mark_delivered(other)

    opened.refresh_from_db()
    assert opened.status == "retrying"


def test_a_later_event_of_the_subject_closes_it_too(opened: ExceptionCase) -> None:
    make_event(number=1001, note="now with a SKU")
    later = Delivery.objects.exclude(event=opened.event_id).get()
    delivery.mark_delivered(later)

    opened.refresh_from_db()
    assert opened.status == "resolved"


def test_one_of_a_listener_that_was_made_anew_is_closed_by_its_workflow(
    failed: ExceptionCase,
) -> None:
    Subscription.objects.all().delete()
    make_subscription(path="/webhook/anew")
    make_event(number=1001, note="again")
    later = Delivery.objects.exclude(event=failed.event_id).get()
    delivery.mark_delivered(later)

    failed.refresh_from_db()
    assert failed.status == "resolved"
