"""What can be done with rules, with decisions taken by them, and with simulations of both."""

from controlplane.policies.judging import Judgement, Reason, RuleSet, judge
from controlplane.policies.services.decisions import (
    DecisionUnknown,
    InputChanged,
    InputNotKept,
    OverrideWithoutReason,
    RulesNotKept,
    evaluate,
    evaluate_facts,
    get_decision,
    input_hash,
    override_decision,
    overriders_of,
    recompute,
    recompute_decision,
    record_decision_outcome,
    rule_sets_in_force,
    rule_sets_named,
)
from controlplane.policies.services.drafts import (
    PolicyTaken,
    PolicyUnknown,
    create_policy,
    differs_from_live,
    draft_of,
    get_policy,
    live_numbers,
    note_edit,
    save_draft,
)
from controlplane.policies.services.flips import Share, flip_share
from controlplane.policies.services.layering import (
    ApprovalNeeded,
    approve_layer,
    note_layer_edit,
    publish_layer_version,
    seed_layer,
    submit_layer,
    withdraw_layer,
)
from controlplane.policies.services.publishing import (
    SEEDED_TABLES,
    AuthorMayNotApprove,
    NothingToReview,
    StepNotPossible,
    TooManyFlips,
    VersionUnknown,
    approve_version,
    get_version,
    publish_policy,
    publish_version,
    roll_back,
    seed_policy,
    set_terms,
    submit_version,
    withdraw_version,
)
from controlplane.policies.services.rules import (
    HIGHEST_COST_TOGETHER,
    ExampleFailed,
    PolicyTooCostly,
    assert_affordable,
    check_rule,
    check_rules,
    run_examples,
    try_example,
)
from controlplane.policies.services.schedules import (
    TimeHasPassed,
    cancel_schedule,
    publish_due,
    schedule_version,
)
from controlplane.policies.services.simulating import (
    HistoryTooLong,
    SimulationUnknown,
    cancel_simulation,
    get_run,
    give_up_lost_runs,
    run_simulation,
    start_simulation,
)

__all__ = [
    "HIGHEST_COST_TOGETHER", "SEEDED_TABLES", "ApprovalNeeded", "AuthorMayNotApprove",
    "DecisionUnknown", "ExampleFailed", "HistoryTooLong",
    "InputChanged", "InputNotKept", "Judgement", "NothingToReview", "OverrideWithoutReason",
    "PolicyTaken", "PolicyTooCostly", "PolicyUnknown", "Reason", "RuleSet", "RulesNotKept",
    "Share", "SimulationUnknown", "StepNotPossible", "TimeHasPassed", "TooManyFlips",
    "VersionUnknown", "approve_layer", "approve_version", "assert_affordable", "cancel_schedule",
    "cancel_simulation", "check_rule", "check_rules", "create_policy", "differs_from_live",
    "draft_of", "evaluate", "evaluate_facts", "flip_share", "get_decision", "get_policy",
    "get_run", "get_version",
    "give_up_lost_runs", "input_hash", "judge", "live_numbers", "note_edit", "note_layer_edit",
    "override_decision", "overriders_of", "publish_due",
    "publish_layer_version", "publish_policy", "publish_version", "recompute", "recompute_decision",
    "record_decision_outcome", "roll_back", "rule_sets_in_force", "rule_sets_named",
    "run_examples", "run_simulation",
    "save_draft", "schedule_version", "seed_layer", "seed_policy", "set_terms", "start_simulation",
    "submit_layer", "submit_version", "try_example", "withdraw_layer", "withdraw_version",
]  # fmt: skip
