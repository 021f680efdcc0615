"""Who decides an approval, and what becomes of it: its state machine, and who never decides."""

from tests.mutation.mutant import Mutant

MACHINE = "controlplane/approvals/machine.py"
REQUESTING = "controlplane/approvals/services/requesting.py"
RULES = ("tests/unit/approvals/test_machine.py", "tests/unit/approvals/test_machine_rules.py")
# Named cases only: what hypothesis finds it also shrinks, which takes minutes.
NAMED = "not Approving"
REQUESTERS = ("tests/integration/approvals/test_requesters.py",)

APPROVALS = [
    Mutant(
        "requester-votes", "the requester's exclusion from their own approval", MACHINE,
        "    if ballot.people & state.requesters:\n        return Why.REQUESTER\n", "",
        RULES, NAMED,
    ),
    Mutant(
        "requester-votes-through-another", "the requester's exclusion as the one voted for",
        MACHINE,
        "    if ballot.people & state.requesters:\n        return Why.REQUESTER\n",
        "    if ballot.hand in state.requesters:\n        return Why.REQUESTER\n", RULES, NAMED,
    ),
    Mutant(
        "late-requester-counts", "the discount of a vote whose voter asked after all", MACHINE,
        "if not ballot.people & self.requesters]", "if ballot]", RULES, NAMED,
    ),
    Mutant(
        "ended-votes", "the end of voting once an approval has ended", MACHINE,
        "    if not state.is_pending:\n        return Why.ENDED\n", "", RULES, NAMED,
    ),
    Mutant(
        "any-step-votes", "the check that the voter's step is asked now", MACHINE,
        "    if not ballot.steps & frozenset(state.open_steps):\n        return Why.NOT_ASKED\n",
        "", RULES, NAMED,
    ),
    Mutant(
        "votes-twice-through-another", "the check that nobody has a part in two votes", MACHINE,
        "        if ballot.people & other.people:\n            return Why.VOTED_FOR_OTHER\n", "",
        RULES, NAMED,
    ),
    Mutant(
        "quorum-of-one-less", "one of a step's quorum", MACHINE,
        "len(ballots) >= asked.quorum", "len(ballots) >= asked.quorum - 1", RULES, NAMED,
    ),
    Mutant(
        "one-company-is-many", "the count of organisations", MACHINE,
        " and len(organisations) >= asked.organisations", "", RULES, NAMED,
    ),
    Mutant(
        "rejections-make-a-quorum", "the difference between yes and no in a quorum", MACHINE,
        "if ballot.approves and step in ballot.steps]", "if step in ballot.steps]", RULES, NAMED,
    ),
    Mutant(
        "one-rejection-ends-all", "the number of rejections that the terms ask for", MACHINE,
        "if len(rejections) >= state.terms.rejections:", "if rejections:", RULES, NAMED,
    ),
    Mutant(
        "expiry-is-expired", "the outcome that the terms state for expiry", MACHINE,
        "return replace(state, status=state.terms.on_expiry)",
        'return replace(state, status="expired")', RULES, NAMED,
    ),
    Mutant(
        "expires-a-moment-late", "the very moment of expiry", MACHINE,
        "    if now >= state.expires_at:\n", "    if now > state.expires_at:\n", RULES, NAMED,
    ),
    Mutant(
        "steps-are-skipped", "the new step's own hours after an outage", MACHINE,
        "due_at=_due(state.terms, step, now), reminded=False)", "due_at=now, reminded=False)",
        RULES, NAMED,
    ),
    Mutant(
        "time-advances-a-chain", "the rule that time takes no step of a chain", MACHINE,
        'if state.terms.order == "chain" or is_last or', "if is_last or", RULES, NAMED,
    ),
    Mutant(
        "chain-ends-early", "the further steps of a chain", MACHINE,
        "    if state.step + 1 == len(state.terms.steps):\n", "    if True:\n", RULES, NAMED,
    ),
    Mutant(
        "chain-keeps-votes", "the rule that a vote counts for one step of a chain", MACHINE,
        '[state.step] if state.terms.order == "chain" else range(len(state.terms.steps))',
        "range(len(state.terms.steps))", RULES, NAMED,
    ),
    Mutant(
        "ladder-forgets-the-first", "the first people's say once others were asked too", MACHINE,
        'first = self.step if self.terms.order == "chain" else 0', "first = self.step",
        RULES, NAMED,
    ),
    Mutant(
        "ladder-goes-by-the-last-step", "the quorum of the steps before", MACHINE,
        "reached = any(has_quorum(state, step) for step in range(state.step + 1))",
        "reached = has_quorum(state, state.step)", RULES, NAMED,
    ),
    Mutant(
        "reminded-again", "the note that a step was reminded of", MACHINE,
        "if not state.is_pending or state.reminded or not hours:",
        "if not state.is_pending or not hours:", RULES, NAMED,
    ),
    Mutant(
        "next-step-unreminded", "the reminder of each further step", MACHINE,
        "due_at=_due(state.terms, step, now), reminded=False)",
        "due_at=_due(state.terms, step, now))", RULES, NAMED,
    ),
    Mutant(
        "reminded-too-late", "the end of the time for a reminder", MACHINE,
        "return ends - timedelta(hours=hours) <= now < ends",
        "return ends - timedelta(hours=hours) <= now", RULES, NAMED,
    ),
    Mutant(
        "cancelled-again", "the check that what has ended is not cancelled", MACHINE,
        'return replace(state, status="cancelled") if state.is_pending else state',
        'return replace(state, status="cancelled")', RULES, NAMED,
    ),
    Mutant(
        "workflows-name-nobody", "the person whom a workflow names as the one who asks",
        REQUESTING, "[*requested_by, by, *subject.caused_by]", "[by, *subject.caused_by]",
        REQUESTERS,
    ),
    Mutant(
        "subjects-name-nobody", "the people whom a subject names as its cause",
        REQUESTING, "[*requested_by, by, *subject.caused_by]", "[*requested_by, by]", REQUESTERS,
    ),
    Mutant(
        "overriders-decide", "the note on a waiting approval that somebody overrode its decision",
        "controlplane/policies/services/decisions.py",
        "    note_causer(subject_ids={decision.pk, decision.subject_id}, by=by)\n", "", REQUESTERS,
    ),
    Mutant(
        "unknown-requesters-pass", "the refusal of a requester who is no member",
        "controlplane/approvals/requesters.py",
        "    if not (found := people_named(current_tenant(), [name])):\n",
        "    found = people_named(current_tenant(), [name])\n    if False:\n", REQUESTERS,
    ),
]  # fmt: skip
