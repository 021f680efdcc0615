"""Rules that bind many tenants: whose they are, who lets them bind, and what of tenants is seen."""

from tests.mutation.mutant import Mutant

DRAFTS = "controlplane/policies/services/layer_drafts.py"
FLIPS = "controlplane/policies/services/flips.py"
TERMS = "controlplane/policies/services/terms.py"
MOVES = "controlplane/policies/services/moves.py"
GATE = "controlplane/policies/services/layer_gate.py"
TRYING = "controlplane/policies/services/layer_simulating.py"
PAGES = ("tests/integration/portal/test_partner_rules.py",)
STEPS = ("tests/integration/policies/test_layer_steps.py",)
TWO = ("tests/integration/policies/test_two_people.py",)
HISTORY = ("tests/integration/policies/test_layer_simulation.py",)

LAYERS = [
    Mutant(
        "anybodys-rules-open", "the owner in the question which rules these are", DRAFTS,
        ".filter(pk=policy_id, partner__in=[each.pk for each in owners])",
        ".filter(pk=policy_id)", PAGES, "nobody_elses",
    ),
    Mutant(
        "any-role-writes-rules", "the role in the question what a seat allows",
        "tenants/partner_seats.py",
        "    return [seat for seat in found if permission in PARTNER_ROLES[seat.role]]",
        "    return list(found)", PAGES, "only_look",
    ),
    Mutant(
        "anybodys-simulation-opens", "the owner in the question which simulation this is", TRYING,
        "found = found.filter(policy__partner__in=[each.pk for each in owners])", "pass",
        HISTORY, "only_the_owners",
    ),
    Mutant(
        "money-of-every-tenant", "the ownership that opens a tenant's customer data",
        "tenants/access.py",
        "    return {each for each in tenants if permission in of_partner(seat.role, areas[each])}",
        "    return set(tenants)", PAGES, "money_only",
    ),
    Mutant(
        "author-approves-a-layer", "the exclusion of a version's authors",
        "controlplane/policies/services/layering.py",
        "if by.kind is ActorKind.SYSTEM or key_of(by) in authors_of(version):", "if False:",
        ("tests/integration/policies/test_layers.py",), "somebody_else",
    ),
    Mutant(
        "alone-among-others", "the question whether there is somebody else", GATE,
        "if others := others_who_may_approve(version, by=by):\n        named",
        "if others := []:\n        named", STEPS, "not_alone",
    ),
    Mutant(
        "alone-unseen", "the simulation that whoever is alone has to have run", GATE,
        "    run, shares = shares_of_last_run(version)\n    if run is None:\n",
        "    run, shares = shares_of_last_run(version)\n    if False:\n", STEPS, "the_only_one",
    ),
    Mutant(
        "layers-past-any-threshold", "each tenant's own threshold", GATE,
        "    if over := [share for share in layer_shares(version) if share.is_over]:",
        "    if over := []:", STEPS, "each_tenants_threshold",
    ),
    Mutant(
        "days-of-ones-choice", "the days that a simulation has to look back", FLIPS,
        "            since__lte=begins,\n", "", TWO, "other_days",
    ),
    Mutant(
        "years-thin-it-out", "the days that a simulation may look back", FLIPS,
        "            since__gte=begins - RUN_COUNTS_FOR,\n", "", TWO, "other_days",
    ),
    Mutant(
        "looser-terms-alone", "the second person for looser terms", TERMS,
        "    if not is_stricter and not _is_second(terms, flip_percent, history_days, by):",
        "    if False:", TWO, "looser_terms",
    ),
    Mutant(
        "asked-twice-is-two", "whose second word it is, of terms", TERMS,
        'terms.wanted_by_id not in {"", key_of(by)}', 'terms.wanted_by_id != ""', TWO,
        "looser_terms",
    ),
    Mutant(
        "out-of-force-alone", "the threshold of taking rules out of force", MOVES,
        "    if is_past_threshold(share) and not _is_second(policy, move, by):", "    if False:",
        TWO, "takes_two",
    ),
    Mutant(
        "retired-twice-is-two", "whose second word it is, of taking rules out of force", MOVES,
        'policy.asked_by_id not in {"", key_of(by)}', 'policy.asked_by_id != ""', TWO, "takes_two",
    ),
]  # fmt: skip
