"""Triage of tickets, corrections, and the models that are made of them."""

import threading
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from controlplane.events.services import EventUnknown
from controlplane.support import model_in_use, starter
from controlplane.support.models import Ticket, TriageExample, TriageModel
from controlplane.support.services import (
    EventHoldsNoTicket,
    ExamplesUnreadable,
    LabelInvalid,
    NothingToLearn,
    correct_triage,
    import_examples,
    learning,
    train_model,
    triage_ticket,
)
from tenants import files
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import ADA, make_event, make_machine
from tests.factories.support import make_examples, make_ticket, make_triaged

TRAINER = system("triage")


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the embedding model, which takes a second to load."""
    monkeypatch.setattr(model_in_use.embedding, "available", lambda: False)
    model_in_use.forget_loaded()


def triage(ticket: Ticket) -> Ticket:
    return triage_ticket(event_id=ticket.event_id, by=make_machine())


def test_a_new_tenant_sorts_by_the_starter_model(tenant: Tenant) -> None:
    ticket = make_triaged("Where is the refund for the goods that I sent back? My lawyer waits.")

    assert (ticket.status, ticket.intent, ticket.queue) == (
        "triaged", "refund_status", "accounting",
    )  # fmt: skip
    assert 0 < ticket.intent_confidence < 1
    assert (ticket.urgency, ticket.language) == ("critical", "en")
    assert ticket.triage_model.startswith("starter-")
    assert "legal" in {reason["rule"] for reason in ticket.triage["urgency_reasons"]}
    assert any("refund" in found["word"] for found in ticket.triage["words"])
    assert len(ticket.triage["alternatives"]) == 3
    entry = Entry.objects.get(action="ticket.triaged")
    assert entry.data["intent"] == "refund_status"


def test_german_is_sorted_as_german(tenant: Tenant) -> None:
    ticket = make_triaged("Die gelieferte Vase ist leider zerbrochen angekommen.", subject="Vase")

    assert (ticket.intent, ticket.language) == ("damaged_item", "de")


def test_what_the_sender_says_of_the_language_holds(tenant: Tenant) -> None:
    assert make_triaged("ok", subject="", language="pl").language == "pl"
    # Too short to tell: the tenant's.
    assert make_triaged("ok", subject="").language == tenant.language


def test_asked_again_the_ticket_stays_as_it_was(tenant: Tenant) -> None:
    ticket = make_triaged()
    at = ticket.triaged_at

    assert triage(ticket).triaged_at == at
    assert Entry.objects.filter(action="ticket.triaged").count() == 1


def test_only_an_event_about_a_ticket_is_triaged(tenant: Tenant) -> None:
    with pytest.raises(EventHoldsNoTicket):
        triage_ticket(event_id=make_event().pk, by=make_machine())
    with pytest.raises(EventUnknown):
        triage_ticket(event_id=uuid.uuid4(), by=make_machine())


def test_a_persons_word_stands_against_a_later_triage(tenant: Tenant) -> None:
    ticket = make_ticket()

    correct_triage(ticket=ticket, intent="complaint", urgency="high", language="de", by=ADA)

    assert triage(ticket).intent == "complaint"
    assert ticket.examples.get().origin == "correction"


def test_a_second_correction_replaces_the_first(tenant: Tenant) -> None:
    ticket = make_triaged()

    correct_triage(ticket=ticket, intent="complaint", urgency="high", language="en", by=ADA)
    corrected = correct_triage(
        ticket=ticket, intent="refund_status", urgency="low", language="en", by=ADA
    )

    assert (corrected.intent, corrected.urgency, corrected.queue) == (
        "refund_status", "low", "accounting",
    )  # fmt: skip
    assert corrected.is_confident
    assert corrected.corrected_by == "Ada Lovelace"
    assert ticket.examples.get().intent == "refund_status"
    assert Entry.objects.filter(action="ticket.corrected").count() == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"intent": "No Such!"}, "intent"),
        ({"urgency": "panic"}, "urgency"),
        ({"language": "xx"}, "language"),
    ],
)
def test_a_correction_has_known_labels(tenant: Tenant, change: dict[str, str], field: str) -> None:
    labels = {"intent": "other", "urgency": "low", "language": "en"} | change

    with pytest.raises(LabelInvalid) as refused:
        correct_triage(ticket=make_ticket(), by=ADA, **labels)
    assert [error.field for error in refused.value.errors] == [field]


def test_corrections_change_what_comes_next(
    tenant: Tenant, django_capture_on_commit_callbacks: Any
) -> None:
    make_examples()
    train_model(by=TRAINER)
    odd = "The seagulls have stolen my sandwich again"
    before = triage(make_ticket(odd, subject="")).intent
    assert before in {"mooring", "fuel"}

    with django_capture_on_commit_callbacks() as enqueued:
        for number in range(5):
            ticket = make_ticket(f"{odd}, number {number}", subject="")
            correct_triage(ticket=ticket, intent="seagulls", urgency="low", language="en", by=ADA)
    trained = [call for call in enqueued if call.args == ("support.train",)]
    assert len(trained) == 1

    model = train_model(by=TRAINER)

    assert (model.number, model.corrections) == (2, 5)
    after = triage(make_ticket(odd, subject=""))
    assert after.intent == "seagulls"
    assert after.triage_model == f"model-2-{model.sha256[:12]}"


def test_the_same_examples_make_no_second_model(tenant: Tenant) -> None:
    make_examples()

    assert train_model(by=TRAINER) == train_model(by=TRAINER)
    assert TriageModel.objects.get().examples == 12
    assert Entry.objects.filter(action="triage.trained").count() == 1


@pytest.mark.parametrize("damage", ["gone", "garbage", "swapped"])
def test_a_file_that_cannot_be_read_costs_no_triage_and_is_made_anew(
    tenant: Tenant, damage: str, django_capture_on_commit_callbacks: Any
) -> None:
    make_examples()
    first = train_model(by=TRAINER)
    place = files.path_of(first.sha256)
    if damage == "gone":
        place.unlink()
    elif damage == "garbage":
        place.write_bytes(b"no model")
    else:
        place.write_bytes(next(Path(starter.settings.MODELS_ROOT).glob("*.skops")).read_bytes())

    with django_capture_on_commit_callbacks() as enqueued:
        ticket = triage(make_ticket())
    assert ticket.triage_model.startswith("starter-")
    assert [call.args for call in enqueued].count(("support.train",)) == 1

    second = train_model(by=TRAINER)
    assert second.number == 2
    assert triage(make_ticket("Where do I moor my boat?", subject="")).intent == "mooring"


def test_of_too_many_examples_the_newest_are_learned(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_examples()
    correct_triage(ticket=make_ticket(), intent="fuel", urgency="low", language="en", by=ADA)
    monkeypatch.setattr(learning, "MOST_EXAMPLES", 12)

    model = train_model(by=TRAINER)

    assert (model.examples, model.corrections) == (12, 1)


def test_one_intent_alone_is_nothing_to_learn(tenant: Tenant) -> None:
    make_examples({"mooring": ["My boat drifts", "Where do I moor?"]})

    with pytest.raises(NothingToLearn):
        train_model(by=TRAINER)


def test_a_tenant_older_than_support_learns_from_the_starter_too(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    TriageExample.objects.all().delete()
    few = starter.starter_examples()[::40]
    monkeypatch.setattr(starter, "starter_examples", lambda: few + few)
    correct_triage(ticket=make_ticket(), intent="gulls", urgency="low", language="en", by=ADA)

    assert train_model(by=TRAINER).examples == 2 * len(few) + 1


def test_examples_are_imported_once(
    tenant: Tenant, django_capture_on_commit_callbacks: Any
) -> None:
    text = "text,intent,urgency\nMy boat drifts,mooring,high\nNo diesel,fuel,\nNo diesel,fuel,\n"

    with django_capture_on_commit_callbacks() as enqueued:
        first = import_examples(text=text, by=ADA)
        again = import_examples(text=text, by=ADA)

    assert (first.added, again.added) == (2, 0)
    assert [call.args for call in enqueued] == [("support.train",)]
    assert TriageExample.objects.filter(origin="import").count() == 2


def test_an_import_may_take_the_place_of_the_starter(tenant: Tenant) -> None:
    import_examples(text="text,intent\na,b\n", replace_starter=True, by=ADA)

    assert TriageExample.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sentence,label\na,b\n", "text,intent"),
        ("text,intent,urgency\na,b,panic\n", "line 2"),
        ("text,intent\na,b\n,c\n", "line 3"),
        ("text,intent\nonly one\n", "line 2"),
        ("", "nothing"),
    ],
)
def test_examples_that_cannot_be_read_are_all_refused(tenant: Tenant, text: str, told: str) -> None:
    before = TriageExample.objects.count()

    with pytest.raises(ExamplesUnreadable, match=told):
        import_examples(text=text, by=ADA)
    assert TriageExample.objects.count() == before


def test_a_new_tenant_has_the_starter_examples_once(tenant: Tenant) -> None:
    starters = TriageExample.objects.filter(origin="starter")
    assert starters.exists()  # provisioning put them there
    TriageExample.objects.all().delete()

    starter.seed_here()
    starter.seed_here()

    assert starters.count() == len(starter.starter_examples()) >= 14 * 2 * 12


def test_two_that_triage_at_once_find_the_same(yard: Tenant) -> None:
    with inside(yard):
        ticket = make_ticket()
    found: list[tuple[str, Any]] = []

    def sort() -> None:
        with inside(yard):
            sorted_ = triage(ticket)
            found.append((sorted_.intent, sorted_.triaged_at))
        connection.close()

    threads = [threading.Thread(target=sort) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert len(set(found)) == 1
    with inside(yard):
        assert Entry.objects.filter(action="ticket.triaged").count() == 1
