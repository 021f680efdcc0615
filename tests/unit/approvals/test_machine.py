"""The rules of an approval, tried with every order of votes, delegations, clocks and steps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controlplane.approvals import machine
from controlplane.approvals.machine import Ballot, Refused, State, Why
from controlplane.approvals.terms import Step, Terms, TermsInvalid, read_terms

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
PEOPLE = [f"p{number}" for number in range(8)]
ORGANISATIONS = {person: ("customer", "partner:a", "partner:b")[n % 3] for n, person in
                 enumerate(PEOPLE)}  # fmt: skip


def steps(hours: int | None) -> st.SearchStrategy[Step]:
    return st.integers(1, 4).flatmap(
        lambda quorum: st.builds(
            Step,
            quorum=st.just(quorum),
            organisations=st.integers(1, min(quorum, 3)),
            hours=st.just(hours),
        )
    )


TERMS = st.builds(
    Terms,
    steps=st.lists(steps(3), min_size=1, max_size=3).map(tuple),
    order=st.sampled_from(["ladder", "chain"]),
    rejections=st.integers(1, 3),
    on_expiry=st.sampled_from(["expired", "rejected", "approved"]),
    remind_hours=st.integers(0, 3),
)


class Approving(RuleBasedStateMachine):
    """Votes, clocks and requesters in any order, against a plain list of what was taken."""

    @initialize(
        terms=TERMS,
        requesters=st.sets(st.sampled_from(PEOPLE), max_size=2),
        asked=st.lists(st.sets(st.sampled_from(range(3)), max_size=3), min_size=8, max_size=8),
    )
    def start(self, terms: Terms, requesters: set[str], asked: list[set[int]]) -> None:
        self.now = NOW
        self.asked = {
            person: frozenset(each) & frozenset(range(len(terms.steps)))
            for person, each in zip(PEOPLE, asked, strict=True)
        }
        self.state = machine.begin(
            terms, now=NOW, expires_at=NOW + timedelta(hours=12), requesters=requesters
        )
        self.taken: list[tuple[Ballot, int]] = []
        self.ends: list[tuple[str, str]] = []
        self.reminders: list[int] = []
        self.highest = 0

    def becomes(self, after: State, by: str) -> None:
        before = self.state
        if before.status != "pending":
            assert after == before, "what has ended never changes"
        elif after.status != "pending":
            self.ends.append((by, after.status))
            self.was_over = self.now >= before.expires_at
        assert after.step >= before.step, "no step is taken back"
        assert after.step - before.step <= 1, "nobody is skipped"
        self.state = after

    @rule(hand=st.sampled_from(PEOPLE), principal=st.sampled_from(PEOPLE), approves=st.booleans())
    def vote(self, hand: str, principal: str, approves: bool) -> None:
        """Whoever casts it, for whomever: the delegations themselves are the electorate's."""
        ballot = Ballot(hand, principal, ORGANISATIONS[principal], approves, self.asked[principal])
        step = self.state.step
        try:
            after = machine.vote(self.state, ballot, now=self.now)
        except Refused:
            assert machine.refusal(self.state, ballot) is not None
            return
        self.taken.append((ballot, step))
        self.becomes(after, "vote")

    @rule(own=st.sampled_from(PEOPLE), approves=st.booleans())
    def vote_for_oneself(self, own: str, approves: bool) -> None:
        self.vote(hand=own, principal=own, approves=approves)

    @rule(minutes=st.integers(-600, 600))
    def clock(self, minutes: int) -> None:
        """It may jump back; the rows remember."""
        self.now += timedelta(minutes=minutes)
        step = self.state.step
        self.becomes(machine.pass_time(self.state, now=self.now), "time")
        again = machine.pass_time(self.state, now=self.now)
        assert again == self.state, "the same moment does nothing twice"
        earlier = machine.pass_time(self.state, now=self.now - timedelta(hours=5))
        assert earlier == self.state, "a clock that goes back does nothing"
        if self.state.step != step and self.state.terms.order == "chain":
            raise AssertionError("time takes no step of a chain")

    @rule()
    def remind(self) -> None:
        if machine.must_remind(self.state, now=self.now):
            self.reminders.append(self.state.step)
            self.state = replace(self.state, reminded=True)

    @rule(person=st.sampled_from(PEOPLE))
    @precondition(lambda self: self.state.is_pending)
    def another_asks(self, person: str) -> None:
        """Somebody joins as a requester, maybe after voting."""
        self.state = replace(self.state, requesters=self.state.requesters | {person})

    @rule()
    def cancel(self) -> None:
        if len(self.taken) > 5:
            self.becomes(machine.cancel(self.state), "cancel")

    def agreed(self, step: int) -> list[Ballot]:
        """Counted here once more, from what was taken."""
        is_chain = self.state.terms.order == "chain"
        return [
            ballot
            for ballot, at in self.taken
            if ballot.approves
            and step in self.asked[ballot.principal]
            and not {ballot.hand, ballot.principal} & self.state.requesters
            and (at == step or not is_chain)
        ]

    def reached(self, step: int) -> bool:
        wanted, agreed = self.state.terms.steps[step], self.agreed(step)
        people = {ballot.principal for ballot in agreed}
        organisations = {ORGANISATIONS[person] for person in people}
        return len(people) >= wanted.quorum and len(organisations) >= wanted.organisations

    @invariant()
    def there_is_one_end_at_most(self) -> None:
        if hasattr(self, "ends"):
            assert len(self.ends) == (self.state.status != "pending")

    @invariant()
    def approved_only_by_a_quorum_or_as_stated(self) -> None:
        if not hasattr(self, "ends") or self.state.status != "approved":
            return
        terms = self.state.terms
        by_time = self.was_over and terms.on_expiry == "approved"
        if self.ends[0][0] == "time" and by_time:
            return
        within = range(self.state.step + 1)
        if terms.order == "chain":
            assert self.state.step == len(terms.steps) - 1
            assert all(self.reached(step) for step in within)
        else:
            assert any(self.reached(step) for step in within)

    @invariant()
    def rejected_only_by_as_many_as_stated(self) -> None:
        if not hasattr(self, "ends") or self.state.status != "rejected":
            return
        against = [
            ballot
            for ballot, _at in self.taken
            if not ballot.approves and not ballot.people & self.state.requesters
        ]
        is_stated = self.ends[0][0] == "time" and self.state.terms.on_expiry == "rejected"
        assert is_stated or len(against) >= self.state.terms.rejections

    @invariant()
    def time_ends_it_as_stated(self) -> None:
        for by, status in getattr(self, "ends", []):
            if status == "expired":
                assert (by, self.state.terms.on_expiry) == ("time", "expired")

    @invariant()
    def a_person_has_a_part_in_one_vote_at_most(self) -> None:
        parts = [person for ballot, _at in getattr(self, "taken", []) for person in ballot.people]
        assert len(parts) == len(set(parts))

    @invariant()
    def each_step_is_reminded_of_once(self) -> None:
        reminders = getattr(self, "reminders", [])
        assert len(reminders) == len(set(reminders))


TestApproving = Approving.TestCase
TestApproving.settings = settings(
    max_examples=150,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


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
