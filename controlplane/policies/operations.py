"""Node operations on rules and decisions."""

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from controlplane.core.actor import Actor
from controlplane.core.keyset import LONGEST, PageUnknown, page_after
from controlplane.core.models import new_id
from controlplane.nodes.declaration import OperationInput, OperationOutput, operation
from controlplane.policies import links, services
from controlplane.policies.contexts import ContextUnknown, get_context
from controlplane.policies.engine import FactsUnusable
from controlplane.policies.facts import FactsIncomplete, assert_complete, laid_over
from controlplane.policies.models import Decision, SimulationRun
from controlplane.policies.parameters import parameters_for

ContextName = Literal[
    "order", "customer", "invoice", "ticket", "answer", "agent_action", "template_upgrade"
]
"""What higher floors register; a guard compares."""
VerdictName = Literal["accept", "hold", "reject"]
AT_ONCE = 2000
_SHORT = (
    "decision_id", "context", "subject_type", "subject_id", "verdict", "overridden_to", "reasons",
    "decided_at", "url",
)  # fmt: skip


class DecisionReasonOutput(BaseModel):
    model_config = ConfigDict(frozen=True)

    code: str = Field(description="Stable name of the reason, for example over_limit")
    message: str = Field(description="The reason in a sentence")
    verdict: Literal["hold", "reject"] = Field(description="What this reason alone asks for")
    policy: str = Field(
        description="The policy that gave it, behind its layer where it is not the tenant's own: "
        "platform/embargo; empty where none could"
    )


class EvaluateInput(OperationInput):
    context: ContextName = Field(
        default="order",
        description="What the rules are about; its page in the portal says what they read",
        json_schema_extra={"n8n": {"shown": True}},
    )
    facts: dict[str, Any] = Field(
        default_factory=dict,
        description="What the rules read, as a JSON object with every field of the context. "
        "Leave it empty for a ticket, which Pergola reads by About ID; of a customer, what you "
        "leave out is read by Email",
        json_schema_extra={"n8n": {"shown": True}},
    )
    about_id: uuid.UUID | None = Field(
        default=None,
        description="What is decided on: a ticket's ID, or a UUID of your own; one is made where "
        "there is none",
        json_schema_extra={"n8n": {"label": "About ID"}},
    )
    email: str = Field(
        default="",
        description="Of a customer of whom only this is known: what orders and tickets say of the "
        "address, under the facts that you bring",
        max_length=254,
        json_schema_extra={"n8n": {"placeholder": "name@email.com"}},
    )
    models_used: dict[str, Any] = Field(
        default_factory=dict,
        description="Which models and prompts made the facts, in which versions, as a JSON object",
    )
    snapshot: str = Field(
        default="", description="What the facts were taken from, in your words", max_length=200
    )


class EvaluateOutput(OperationOutput):
    verdict: VerdictName = Field(description="The strictest of all reasons")
    reasons: list[DecisionReasonOutput] = Field(
        description="Why it is not accepted, every reason listed"
    )
    decision_id: uuid.UUID = Field(description="The decision, kept with its input")
    url: str = Field(description="The decision's page in the portal")


class SimulateInput(OperationInput):
    policy_id: uuid.UUID = Field(
        description="Whose draft or version is tried; its page's address ends with it",
        json_schema_extra={"n8n": {"label": "Policy", "choices": "policies"}},
    )
    version: int = Field(default=0, description="Its number; 0 is the draft", ge=0, le=100000)
    days: int = Field(default=30, description="How many days back", ge=1, le=3650)


class SimulateOutput(OperationOutput):
    simulation_id: uuid.UUID = Field(description="The simulation, kept with what it found")
    status: Literal["queued", "running", "done", "failed", "cancelled"] = Field(
        description="done, or queued where there is much to judge: Get Simulation tells the rest"
    )
    judged: int = Field(description="How many decisions were judged again")
    flips: int = Field(description="How many would come out otherwise")
    approvals: int = Field(description="How many would wait for a person that did not")
    spared: int = Field(description="How many would not wait for a person any more")
    money: dict[str, dict[str, int]] = Field(
        description="By currency what would be held and released, in minor units"
    )
    url: str = Field(description="The simulation's page in the portal")


class SimulationInput(OperationInput):
    simulation_id: uuid.UUID = Field(
        description="The ID that Simulate returned",
        json_schema_extra={
            "n8n": {"label": "Simulation ID", "default": "={{ $json.simulation_id }}"}
        },
    )


class SimulationOutput(SimulateOutput):
    total: int = Field(description="How many decisions there are to judge; 0 before it began")
    percent_done: int = Field(description="How far it is, 0 to 100")
    error: str = Field(description="Why it failed or was stopped; empty otherwise")


class DecisionInput(OperationInput):
    decision_id: uuid.UUID = Field(
        description="The ID that a review returned",
        json_schema_extra={"n8n": {"label": "Decision ID", "default": "={{ $json.decision_id }}"}},
    )


class DecisionEntryOutput(BaseModel):
    model_config = ConfigDict(frozen=True)

    kind: Literal["override", "outcome"] = Field(description="A person's other verdict, or the end")
    value: str = Field(description="The verdict, or the outcome")
    why: str = Field(description="The reason that was given")
    by: str = Field(description="Who said so")
    at: datetime = Field(description="When")


class VersionOutput(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: uuid.UUID = Field(description="The version's ID")
    number: int = Field(description="Its number")
    layer: str = Field(description="platform, partner or tenant")


class DecisionOutput(OperationOutput):
    decision_id: uuid.UUID = Field(description="The decision's ID")
    context: str = Field(description="What the rules were about")
    subject_type: str = Field(description="The kind of thing that was decided on")
    subject_id: uuid.UUID = Field(description="Which one")
    verdict: VerdictName = Field(description="As the rules gave it")
    overridden_to: str = Field(description="The last override's verdict; empty where there is none")
    reasons: list[DecisionReasonOutput] = Field(description="Why it was not accepted")
    input_sha256: str = Field(description="SHA-256 of the input's canonical JSON (RFC 8785)")
    policy_versions: list[VersionOutput] = Field(description="By which versions, of all layers")
    models_used: dict[str, Any] | None = Field(description="What models and prompts had a part")
    snapshot: str = Field(description="What the facts were taken from")
    entries: list[DecisionEntryOutput] = Field(
        description="What came after it: overrides, the outcome"
    )
    decided_at: datetime = Field(description="When it was taken")
    url: str = Field(description="Its page in the portal")


class DecisionListInput(OperationInput):
    verdict: Literal["any", "accept", "hold", "reject"] = Field(
        default="any", description="Only decisions with this verdict"
    )
    context: str = Field(
        default="",
        description="Only about this, for example order",
        max_length=40,
        json_schema_extra={"n8n": {"choices": "policy_contexts"}},
    )
    limit: int = Field(default=50, description="Max number of results to return", ge=1, le=200)
    after: str = Field(
        default="",
        description="The next_page of the call before, to go on there; empty: from the start",
        max_length=LONGEST,
    )


class ListedOutput(BaseModel):
    model_config = ConfigDict(frozen=True)

    decision_id: uuid.UUID = Field(description="The decision's ID")
    context: str = Field(description="What the rules were about")
    subject_type: str = Field(description="The kind of thing that was decided on")
    subject_id: uuid.UUID = Field(description="Which one")
    verdict: VerdictName = Field(description="As the rules gave it")
    codes: list[str] = Field(description="The codes of its reasons")
    decided_at: datetime = Field(description="When it was taken")


class DecisionListOutput(OperationOutput):
    decisions: list[ListedOutput] = Field(description="The newest first")
    next_page: str = Field(description="Pass it on as after for more; empty where there are none")


class OverrideInput(DecisionInput):
    verdict: VerdictName = Field(default="accept", description="What it should have been")
    why: str = Field(
        description="The reason why", min_length=1, max_length=2000,
        json_schema_extra={"n8n": {"multiline": True}},
    )  # fmt: skip


@operation(
    resource="policy",
    name="evaluate",
    action="Evaluate policies",
    scope="policies:evaluate",
    errors=(ContextUnknown, FactsIncomplete, FactsUnusable),
)
def evaluate(data: EvaluateInput, *, by: Actor) -> EvaluateOutput:
    """Judge facts by the published policies, and keep the decision: accept, hold or reject."""
    context, facts = get_context(data.context), data.facts
    if not facts and context.load and data.about_id:
        facts = context.load(data.about_id)
    if data.email and context.load_by_email:
        facts = laid_over(context.load_by_email(data.email), facts)
    assert_complete(context, facts)
    decision = services.evaluate_facts(
        context=data.context,
        subject_id=data.about_id or new_id(),
        data=facts,
        parameters=parameters_for(by.installation_id),
        models_used=data.models_used or None,
        snapshot=data.snapshot,
        by=by,
    )
    return EvaluateOutput.model_validate(
        {
            "verdict": decision.verdict,
            "reasons": decision.reasons,
            "decision_id": decision.pk,
            "url": links.decision_link(decision),
        }
    )


@operation(
    resource="policy",
    name="simulate",
    action="Simulate a policy",
    scope="policies:simulate",
    errors=(services.PolicyUnknown, services.VersionUnknown, services.HistoryTooLong),
)
def simulate(data: SimulateInput, *, by: Actor) -> SimulateOutput:
    """Judge earlier decisions again by rules that are not published yet."""
    policy = services.get_policy(data.policy_id)
    run = services.start_simulation(
        policy=policy,
        version=services.get_version(policy, data.version) if data.version else None,
        days=data.days,
        at_once_up_to=AT_ONCE,
        by=by,
    )
    return _simulated(run)


@operation(
    resource="policy",
    name="get_simulation",
    action="Get a simulation",
    scope="policies:simulate",
    errors=(services.SimulationUnknown,),
    read_only=True,
)
def get_simulation(data: SimulationInput, *, by: Actor) -> SimulationOutput:
    """Get how far a simulation is, and what it found: ask again while it is queued or running."""
    run = services.get_run(data.simulation_id)
    done = run.status == SimulationRun.Status.DONE
    return SimulationOutput.model_validate(
        {
            **_simulated(run).model_dump(),
            "total": run.total,
            "percent_done": 100 if done else run.percent_done,
            "error": run.error,
        }
    )


@operation(
    resource="decision",
    name="get",
    action="Get a decision",
    scope="decisions:read",
    errors=(services.DecisionUnknown,),
    read_only=True,
    simplified=_SHORT,
)
def get(data: DecisionInput, *, by: Actor) -> DecisionOutput:
    """Get a decision with its reasons, the versions behind it, and what came after it."""
    return _decided(services.get_decision(data.decision_id))


@operation(
    resource="decision",
    name="list",
    action="List decisions",
    scope="decisions:read",
    read_only=True,
    rows="decisions",
    pages="next_page",
    errors=(PageUnknown,),
    simplified=("decision_id", "context", "subject_id", "verdict", "codes", "decided_at"),
)
def list_decisions(data: DecisionListInput, *, by: Actor) -> DecisionListOutput:
    """List the newest decisions."""
    rows = Decision.objects.said(
        context=data.context, verdict="" if data.verdict == "any" else data.verdict
    )
    found, next_page = page_after(rows, by="-decided_at", after=data.after, limit=data.limit)
    return DecisionListOutput.model_validate(
        {
            "next_page": next_page,
            "decisions": [
                {
                    "decision_id": row.pk,
                    "context": row.context,
                    "subject_type": row.subject_type,
                    "subject_id": row.subject_id,
                    "verdict": row.verdict,
                    "codes": [reason["code"] for reason in row.reasons],
                    "decided_at": row.decided_at,
                }
                for row in found
            ],
        }
    )


@operation(
    resource="decision",
    name="override",
    action="Override a decision",
    scope="decisions:override",
    errors=(services.DecisionUnknown, services.OverrideWithoutReason),
    simplified=_SHORT,
)
def override(data: OverrideInput, *, by: Actor) -> DecisionOutput:
    """Record that a decision should have come out otherwise, and why; it stays as it was taken."""
    entry = services.override_decision(
        decision_id=data.decision_id, verdict=data.verdict, why=data.why, by=by
    )
    return _decided(entry.decision)


def _simulated(run: SimulationRun) -> SimulateOutput:
    return SimulateOutput.model_validate(
        {
            "simulation_id": run.pk,
            "status": run.status,
            "judged": run.done,
            "flips": run.flips,
            "approvals": run.approvals,
            "spared": run.spared,
            "money": run.money,
            "url": links.simulation_link(run),
        }
    )


def _decided(decision: Decision) -> DecisionOutput:
    entries = list(decision.entries.all())
    overrides = [entry.value for entry in entries if entry.kind == "override"]
    return DecisionOutput.model_validate(
        {
            "decision_id": decision.pk,
            "context": decision.context,
            "subject_type": decision.subject_type,
            "subject_id": decision.subject_id,
            "verdict": decision.verdict,
            "overridden_to": overrides[-1] if overrides else "",
            "reasons": decision.reasons,
            "input_sha256": decision.input_sha256,
            "policy_versions": [{"layer": "tenant", **each} for each in decision.policy_versions],
            "models_used": decision.models_used,
            "snapshot": decision.snapshot,
            "entries": [
                {"kind": e.kind, "value": e.value, "why": e.why, "by": e.by, "at": e.at}
                for e in entries
            ],
            "decided_at": decision.decided_at,
            "url": links.decision_link(decision),
        }
    )
