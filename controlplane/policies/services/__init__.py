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
    key_of,
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
from controlplane.policies.services.flips import (
    PolicySimulationNeeded,
    Share,
    flip_share,
    is_past_threshold,
    share_of_move,
)
from controlplane.policies.services.layer_drafts import (
    create_partner_layer,
    get_layer_policy,
    get_layer_version,
    layer_differs_from_live,
    layer_draft,
    live_layer_numbers,
    live_layer_version,
    note_layer_edit,
    save_layer_draft,
)
from controlplane.policies.services.layer_flips import (
    LayerShare,
    SimulationNeeded,
    layer_shares,
    shares_of_last_run,
    tenants_bound_by,
)
from controlplane.policies.services.layer_gate import (
    AloneWithoutReason,
    ApprovalNeeded,
    OthersMayApprove,
    authors_of,
    layers_need_approval,
    others_who_may_approve,
)
from controlplane.policies.services.layer_schedules import (
    cancel_layer_schedule,
    publish_due_layers,
    schedule_layer_version,
)
from controlplane.policies.services.layer_simulating import (
    LAYER_DAYS,
    cancel_layer_simulation,
    get_layer_simulation,
    give_up_lost_layer_simulations,
    money_in,
    run_layer_simulation,
    start_layer_simulation,
)
from controlplane.policies.services.layering import (
    approve_layer,
    publish_layer_version,
    retire_layer,
    roll_back_layer,
    seed_layer,
    submit_layer,
    was_in_force,
    withdraw_layer,
)
from controlplane.policies.services.moves import keep_policy, move_policy
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
from controlplane.policies.services.terms import set_terms

__all__ = [
    "HIGHEST_COST_TOGETHER", "LAYER_DAYS", "SEEDED_TABLES", "AloneWithoutReason", "ApprovalNeeded",
    "AuthorMayNotApprove", "DecisionUnknown", "ExampleFailed", "HistoryTooLong", "InputChanged",
    "InputNotKept", "Judgement", "LayerShare", "NothingToReview", "OthersMayApprove",
    "OverrideWithoutReason", "PolicySimulationNeeded", "PolicyTaken", "PolicyTooCostly",
    "PolicyUnknown", "Reason", "RuleSet",
    "RulesNotKept", "Share", "SimulationNeeded", "SimulationUnknown", "StepNotPossible",
    "TimeHasPassed", "TooManyFlips", "VersionUnknown", "approve_layer", "approve_version",
    "assert_affordable", "authors_of", "cancel_layer_schedule", "cancel_layer_simulation",
    "cancel_schedule", "cancel_simulation", "check_rule", "check_rules", "create_partner_layer",
    "create_policy", "differs_from_live", "draft_of", "evaluate", "evaluate_facts", "flip_share",
    "get_decision", "get_layer_policy", "get_layer_simulation", "get_layer_version", "get_policy",
    "get_run", "get_version", "give_up_lost_layer_simulations", "give_up_lost_runs", "input_hash",
    "is_past_threshold", "judge", "keep_policy", "key_of", "layer_differs_from_live", "layer_draft",
    "layer_shares", "layers_need_approval", "live_layer_numbers", "live_layer_version",
    "live_numbers", "money_in", "move_policy", "note_edit", "note_layer_edit",
    "others_who_may_approve", "override_decision", "overriders_of", "publish_due",
    "publish_due_layers", "publish_layer_version", "publish_policy", "publish_version", "recompute",
    "recompute_decision", "record_decision_outcome", "retire_layer", "roll_back", "roll_back_layer",
    "rule_sets_in_force", "rule_sets_named", "run_examples", "run_layer_simulation",
    "run_simulation", "save_draft", "save_layer_draft", "schedule_layer_version",
    "schedule_version", "seed_layer", "seed_policy", "set_terms", "share_of_move",
    "shares_of_last_run", "start_layer_simulation", "start_simulation", "submit_layer",
    "submit_version", "tenants_bound_by", "try_example", "was_in_force", "withdraw_layer",
    "withdraw_version",
]  # fmt: skip
