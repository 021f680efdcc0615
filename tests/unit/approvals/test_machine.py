"""The rules of an approval, tried with every order of votes, delegations, clocks and steps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controlplane.approvals import machine
from controlplane.approvals.machine import Ballot, Refused, State
from controlplane.approvals.terms import Step, Terms

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
