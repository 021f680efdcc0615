"""The rules of an approval, one by one: whose vote counts for what, and when it ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controlplane.approvals import machine
from controlplane.approvals.machine import Ballot, Refused, State, Why
from controlplane.approvals.terms import Step, Terms, TermsInvalid, read_terms

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def state(terms: Terms, *requesters: str) -> State:
    return machine.begin(
        terms, now=NOW, expires_at=NOW + timedelta(hours=72), requesters=requesters
    )


def yes(hand: str, principal: str = "", organisation: str = "customer", *at: int) -> Ballot:
    return Ballot(hand, principal or hand, organisation, True, frozenset(at or (0,)))


def voted(begun: State, *ballots: Ballot) -> State:
    for ballot in ballots:
        begun = machine.vote(begun, ballot, now=NOW)
    return begun


def why(begun: State, ballot: Ballot) -> Why:
    with pytest.raises(Refused) as caught:
        machine.vote(begun, ballot, now=NOW)
    return caught.value.why


def test_two_of_one_company_are_not_two_companies() -> None:
    council = Terms(steps=(Step(quorum=2, organisations=2),))

    same = voted(state(council), yes("ada"), yes("ben"))

    assert same.status == "pending"
    assert voted(same, yes("carl", "", "partner:north")).status == "approved"


def test_who_stands_in_and_who_is_stood_in_for_count_once() -> None:
    begun = voted(state(Terms(steps=(Step(quorum=3),))), yes("ben", "ada"))

    assert why(begun, yes("ada")) is Why.VOTED_BY_OTHER
    assert why(begun, yes("ben")) is Why.VOTED_FOR_OTHER
    assert why(begun, yes("cid", "ada")) is Why.VOTED_BY_OTHER
    assert why(begun, yes("ben", "cid")) is Why.VOTED_FOR_OTHER


def test_who_asked_neither_decides_nor_has_it_decided_in_their_place() -> None:
    begun = state(Terms(), "ada")

    assert why(begun, yes("ada")) is Why.REQUESTER
    assert why(begun, yes("ada", "ben")) is Why.REQUESTER
    assert why(begun, yes("ben", "ada")) is Why.REQUESTER
    assert voted(begun, yes("ben")).status == "approved"


def test_a_vote_of_somebody_who_asked_after_all_counts_no_more() -> None:
    begun = voted(state(Terms(steps=(Step(quorum=2),))), yes("ada"))

    begun = replace(begun, requesters=frozenset({"ada"}))

    assert voted(begun, yes("ben")).status == "pending"
    assert voted(begun, yes("ben"), yes("cid")).status == "approved"


def test_one_rejection_ends_it_unless_the_terms_ask_for_more() -> None:
    no = replace(yes("ada"), approves=False)

    assert voted(state(Terms()), no).status == "rejected"
    two = voted(state(Terms(rejections=2, steps=(Step(quorum=2),))), no)
    assert two.status == "pending"
    assert voted(two, replace(no, hand="ben", principal="ben")).status == "rejected"


def test_a_rejection_that_ends_nothing_counts_for_no_quorum_either() -> None:
    council = Terms(steps=(Step(quorum=2),), rejections=2)

    divided = voted(state(council), yes("ada"), replace(yes("ben"), approves=False))

    assert divided.status == "pending"
    assert voted(divided, yes("cid")).status == "approved"


def test_a_ladder_asks_further_people_and_still_hears_the_first() -> None:
    ladder = Terms(steps=(Step(quorum=2, hours=4), Step(quorum=1)))
    begun = voted(state(ladder), yes("ada", "", "customer", 0))
    assert why(begun, yes("mia", "", "customer", 1)) is Why.NOT_ASKED

    later = machine.pass_time(begun, now=NOW + timedelta(hours=4))

    assert (later.step, later.status) == (1, "pending")
    assert voted(later, yes("mia", "", "customer", 1)).status == "approved"
    assert voted(later, yes("ben", "", "customer", 0)).status == "approved"


def test_one_vote_of_the_first_step_is_no_vote_of_the_next() -> None:
    """A step that needs fewer must not let those in who were only asked with others."""
    ladder = Terms(steps=(Step(quorum=2, hours=4), Step(quorum=1)))
    begun = voted(state(ladder), yes("ada", "", "customer", 0))

    assert machine.pass_time(begun, now=NOW + timedelta(hours=5)).status == "pending"


def test_after_an_outage_steps_are_taken_one_by_one() -> None:
    ladder = Terms(steps=(Step(hours=4), Step(hours=4), Step()))
    late = NOW + timedelta(hours=20)

    once = machine.pass_time(state(ladder), now=late)

    assert once.step == 1
    assert once.due_at == late + timedelta(hours=4)
    assert machine.pass_time(once, now=late) == once


def test_each_step_is_reminded_of_once_and_in_time() -> None:
    """Two hours before its time is up, and not when it is."""
    ladder = Terms(steps=(Step(hours=4), Step()), remind_hours=2)
    begun = state(ladder)

    def at(hours: float, of: State = begun) -> bool:
        return machine.must_remind(of, now=NOW + timedelta(hours=hours))

    assert [at(1.9), at(2), at(3.9), at(4), at(5)] == [False, True, True, False, False]
    reminded = replace(begun, reminded=True)
    assert not at(3, reminded)
    further = machine.pass_time(reminded, now=NOW + timedelta(hours=4))
    assert [at(69, further), at(70, further), at(72, further)] == [False, True, False]
    assert not at(3, machine.cancel(begun))
    assert not at(3, state(Terms(steps=(Step(hours=4), Step()))))


def test_a_chain_needs_all_its_steps_and_other_people_for_each() -> None:
    chain = Terms(order="chain", steps=(Step(), Step()))
    first = voted(state(chain), yes("ada", "", "customer", 0, 1))

    assert (first.status, first.step) == ("pending", 1)
    assert why(first, yes("ada", "", "customer", 0, 1)) is Why.HAS_VOTED
    assert voted(first, yes("mia", "", "customer", 1)).status == "approved"


def test_time_takes_no_step_of_a_chain() -> None:
    chain = Terms(order="chain", steps=(Step(hours=4), Step()))

    later = machine.pass_time(state(chain), now=NOW + timedelta(hours=5))

    assert (later.step, later.status) == (0, "pending")
    assert why(later, yes("mia", "", "customer", 1)) is Why.NOT_ASKED


def test_a_vote_counts_for_one_step_of_a_chain() -> None:
    """Who was asked by both steps and answered the first has not answered the second."""
    chain = Terms(order="chain", steps=(Step(), Step(quorum=2)))
    first = voted(state(chain), yes("ada", "", "customer", 0, 1))

    once = voted(first, yes("mia", "", "customer", 1))

    assert (once.step, once.status) == (1, "pending")
    assert voted(once, yes("ben", "", "customer", 1)).status == "approved"


@pytest.mark.parametrize("outcome", ["expired", "rejected", "approved"])
def test_what_has_ended_never_changes(outcome: str) -> None:
    terms = read_terms({"on_expiry": outcome, "steps": [{"hours": 1}, {}]})
    for ended in (
        voted(state(terms), yes("ada")),
        voted(state(terms), replace(yes("ada"), approves=False)),
        machine.cancel(state(terms)),
        machine.pass_time(state(terms), now=NOW + timedelta(hours=72)),
    ):
        for hours in (-5, 1, 72, 1000):
            assert machine.pass_time(ended, now=NOW + timedelta(hours=hours)) == ended
        assert machine.cancel(ended) == ended
        assert why(ended, yes("ben")) is Why.ENDED


def test_a_step_further_on_counts_only_when_it_is_asked() -> None:
    ladder = Terms(steps=(Step(quorum=3, hours=4), Step(quorum=1)))

    begun = voted(state(ladder), yes("mia", "", "customer", 0, 1))

    assert begun.status == "pending"
    assert machine.pass_time(begun, now=NOW + timedelta(hours=4)).status == "approved"


@pytest.mark.parametrize("outcome", ["expired", "rejected", "approved"])
def test_unanswered_it_ends_as_its_terms_say(outcome: str) -> None:
    begun = state(read_terms({"on_expiry": outcome}))

    assert machine.pass_time(begun, now=NOW + timedelta(hours=72)).status == outcome
    assert machine.pass_time(begun, now=NOW + timedelta(hours=71)).is_pending


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"steps": []}, "steps"),
        ({"steps": [{"quorum": 1, "organisations": 2}]}, "steps.0"),
        ({"steps": [{}, {}]}, "terms"),
        ({"steps": [{"hours": 80}, {}], "expires_in_hours": 72}, "terms"),
        ({"steps": [{"quorum": 0}]}, "steps.0.quorum"),
        ({"on_expiry": "cancelled"}, "on_expiry"),
        ({"steps": [{"roles": ["viewer"]}]}, "steps.0.roles.0"),
        ({"steps": [{"groups": ["../x"]}]}, "steps.0.groups.0"),
        ({"more": 1}, "more"),
        ([], "terms"),
    ],
)
def test_terms_that_cannot_be_kept_name_the_field(given: object, field: str) -> None:
    with pytest.raises(TermsInvalid) as caught:
        read_terms(given)

    assert field in {each.field for each in caught.value.errors}


def test_terms_survive_the_row() -> None:
    terms = Terms(steps=(Step(name="Council", groups=("council",), quorum=3, organisations=2),))

    assert read_terms(terms.as_json()) == terms
    assert read_terms(None) == Terms()
