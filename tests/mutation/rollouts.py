"""Rollouts: whose they are, where they go, what stops them and what comes back."""

from tests.mutation.mutant import Mutant

ASKING = "controlplane/catalog/rollouts/asking.py"
RINGS = ("tests/integration/catalog/rollouts/test_rollouts.py",)
PLACES = ("tests/integration/catalog/rollouts/test_rollout_places.py",)
PAGES = ("tests/integration/portal/test_rollouts.py",)
DOOR = ("tests/integration/api/test_rollouts.py",)
SANDBOXES = ("tests/unit/catalog/test_redacted.py",)

ROLLOUTS = [
    Mutant(
        "anybodys-rollout-opens", "the owner in the question which rollout this is", ASKING,
        "        known = known.filter(partner__in=owners)", "        pass", PAGES, "nobody_sees",
    ),
    Mutant(
        "anothers-template-rolls-out", "whose template a partner may roll out", ASKING,
        "if partner is not None and owner not in (None, partner.pk):", "if False:", PAGES,
        "another_partners_template",
    ),
    Mutant(
        "rollout-to-every-tenant", "the ownership that lets a partner change a tenant",
        "controlplane/catalog/rollouts/placing.py",
        "    if rollout.partner_id is None:\n        return active\n", "    return active\n",
        PLACES, "where_the_partner_runs",
    ),
    Mutant(
        "rollout-without-a-gate", "the gate behind a ring",
        "controlplane/catalog/rollouts/driving.py",
        "    watching.look(rollout, most=LOOKED_AT_ONCE)\n    judged = watching.judged(rollout)\n"
        "    if judged.verdict == Verdict.FAILED:",
        "    watching.look(rollout, most=LOOKED_AT_ONCE)\n    judged = watching.judged(rollout)\n"
        "    if False:", RINGS, "a_fault_at_run_time",
    ),
    Mutant(
        "rollout-unasked", "the tenant's own policies about upgrades",
        "controlplane/catalog/rollouts/consent.py",
        "    if not rule_sets_in_force(UPGRADE):", "    if True:", PLACES, "policy_holds",
    ),
    Mutant(
        "edits-thrown-away", "the look whether somebody edited what is taken back",
        "controlplane/catalog/rollouts/carrying.py",
        "    if workflow_hash(seen.sound) != place.hash_after:", "    if False:", RINGS,
        "edited_after",
    ),
    Mutant(
        "anybodys-rollout-as-json", "the owner in the API's question which rollout this is",
        "controlplane/api/rollouts.py",
        "return asking.get_rollout(rollout_id, owners=self.owners(SEE))",
        "return asking.get_rollout(rollout_id, owners=None)", DOOR, "nobody_reaches",
    ),
    Mutant(
        "viewers-roll-out-as-json", "the question whether the seat may take the step",
        "controlplane/api/rollouts.py",
        "        seat_in(self.request._request, rollout.partner, ROLL_OUT)\n", "", DOOR,
        "change_nothing",
    ),
    Mutant(
        "csrf-of-the-platform", "the CSRF check of the API for the platform's admins",
        "controlplane/api/authentication.py",
        "        self.enforce_csrf(request)\n        factors.require_of_admin",
        "        factors.require_of_admin", DOOR, "another_page",
    ),
    Mutant(
        "no-factor-on-the-platform", "the question for an admin's second factor at the API",
        "controlplane/api/authentication.py",
        "        factors.require_of_admin(request._request)\n", "", DOOR, "second_factor",
    ),
    Mutant(
        "anybody-on-the-platform", "the question whether somebody is the platform's admin",
        "controlplane/api/authentication.py",
        "        if not (user.is_active and user.is_superuser):", "        if False:", DOOR,
        "platforms_door",
    ),
    Mutant(
        "typed-texts-in-the-sandbox", "the made-up text in place of what was typed",
        "controlplane/catalog/redacted.py",
        "            found[spec.name] = _typed(spec, values[spec.name], own, made_up)",
        "            found[spec.name] = values[spec.name]", SANDBOXES, "made_up",
    ),
]  # fmt: skip
