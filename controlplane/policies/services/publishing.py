"""The way of a version: draft, review, published, retired; who took each step, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError
from controlplane.policies.models import (
    Policy,
    PolicyVersion,
    PublishingTerms,
    Rule,
    Schedule,
    VersionStatus,
    VersionStep,
)
from controlplane.policies.services.decisions import key_of
from controlplane.policies.services.drafts import (
    differs_from_live,
    draft_of,
    record_policy,
    save_draft,
)
from controlplane.policies.services.flips import (
    PolicySimulationNeeded,
    flip_share,
    is_past_threshold,
)
from controlplane.policies.services.rules import check_rules, run_examples

# What `seed_policy` writes to.
SEEDED_TABLES = (
    "policies_policy",
    "policies_policyversion",
    "policies_rule",
    "policies_versionstep",
)
OPEN = (VersionStatus.REVIEW, VersionStatus.APPROVED)
ASKED = ("asked_move", "asked_note", "asked_by", "asked_by_id")


class VersionUnknown(DomainError):
    code = "policy_version_unknown"
    status = 404
    title = "No such version"


class NothingToReview(DomainError):
    code = "policy_unchanged"
    status = 409
    title = "The draft says nothing new"


class StepNotPossible(DomainError):
    code = "policy_step_not_possible"
    status = 409
    title = "This version cannot do that now"


class AuthorMayNotApprove(DomainError):
    code = "policy_author_may_not_approve"
    status = 409
    title = "Somebody else has to approve"


class TooManyFlips(DomainError):
    code = "policy_flips_too_much"
    status = 409
    title = "The version turns over too many decisions"


def get_version(policy: Policy, number: int) -> PolicyVersion:
    """Raises VersionUnknown."""
    found = policy.versions.select_related("policy").filter(number=number).first()
    if found is None:
        raise VersionUnknown(f"{policy} has no version {number}.")
    return found


@transaction.atomic
def submit_version(*, policy: Policy, note: str = "", by: Actor) -> PolicyVersion:
    """Freeze the draft and hand it in for review. The same draft again is the same version.

    Raises what `check_rules` raises, ExampleFailed, NothingToReview.
    """
    policy = Policy.objects.select_for_update().get(pk=policy.pk)
    rules, examples = draft_of(policy)
    newest = policy.versions.order_by("-number").first()
    if newest and newest.rules == rules and (newest.examples or []) == examples:
        if newest.current_status() in OPEN:
            return newest
        if newest.pk == policy.live_version:
            raise NothingToReview(f"Version {newest.number} says just this, and is in force.")
    check_rules(rules, context=policy.context)
    run_examples(examples, rules=rules, context=policy.context)
    version = _frozen(policy, rules, examples, by)
    note_step(version, VersionStatus.DRAFT, policy.draft_note, policy.draft_by or by.label,
              policy.draft_by_id or key_of(by))  # fmt: skip
    _stepped(version, VersionStatus.REVIEW, note, by)
    return version


@transaction.atomic
def approve_version(*, version: PolicyVersion, note: str = "", by: Actor) -> None:
    """By another person than who wrote it or handed it in.

    Raises StepNotPossible, AuthorMayNotApprove.
    """
    locked(version, VersionStatus.REVIEW)
    authors = {version.author_id, *_by_ids(version, VersionStatus.DRAFT, VersionStatus.REVIEW)}
    if key_of(by) in authors or by.kind is ActorKind.SYSTEM:
        raise AuthorMayNotApprove(
            f"{version} was written or handed in by you. Ask a colleague who may publish policies."
        )
    _stepped(version, VersionStatus.APPROVED, note, by)


@transaction.atomic
def withdraw_version(*, version: PolicyVersion, note: str = "", by: Actor) -> None:
    """Retire a version that was never published. The draft goes on. Raises StepNotPossible."""
    locked(version, *OPEN)
    version.schedules.filter(status=Schedule.Status.WAITING).update(
        status=Schedule.Status.CANCELLED, detail="The version was withdrawn."
    )
    _stepped(version, VersionStatus.RETIRED, note, by)


@transaction.atomic
def publish_version(
    *,
    version: PolicyVersion,
    note: str = "",
    gated: bool = True,
    was_simulated: bool = False,
    by: Actor,
) -> PolicyVersion:
    """Make the version count; the one that counted retires.

    The rules and examples are tried once more, as the context may have changed since;
    `was_simulated` as in `assert_few_flips`. Raises StepNotPossible, TooManyFlips,
    PolicySimulationNeeded, ExampleFailed and what `check_rules` raises.
    """
    status = locked(version, *OPEN)
    policy = version.policy
    check_rules(version.rules, context=policy.context)
    run_examples(version.examples or [], rules=version.rules, context=policy.context)
    if gated and status != VersionStatus.APPROVED:
        assert_few_flips(version, was_simulated=was_simulated)
    _put_in_force(version, note, by)
    return version


def assert_few_flips(version: PolicyVersion, *, was_simulated: bool = False) -> None:
    """Raises TooManyFlips past the tenant's threshold, and PolicySimulationNeeded where there are
    more decisions than are judged while somebody waits.

    `was_simulated`: one that its time has come for, which was asked for then; a part is enough now.
    """
    share = flip_share(version)
    if share.is_part and not was_simulated:
        days = PublishingTerms.current().history_days
        raise PolicySimulationNeeded(
            f"There are {share.total} decisions of the last {days} days, more than are judged "
            f"while you wait. Simulate {version} over {days} days first, or have somebody else "
            "approve it."
        )
    if is_past_threshold(share):
        most = PublishingTerms.current().flip_percent
        raise TooManyFlips(
            f"{version} turns over {share.flips} of {share.judged} decisions "
            f"({share.percent} %), more than {most.normalize():f} %. Have somebody "
            "else approve it, or change the rules."
        )


@transaction.atomic
def roll_back(*, policy: Policy, number: int, note: str, by: Actor) -> PolicyVersion:
    """Put an earlier version's rules in force at once, as a new version. No threshold is asked:
    what decided before may decide again.

    A draft that says the same as what was in force follows; other work on it stays. Raises
    VersionUnknown, StepNotPossible and what `check_rules` raises.
    """
    Policy.objects.select_for_update().get(pk=policy.pk)
    policy.refresh_from_db()
    earlier = get_version(policy, number)
    if earlier.pk == policy.live_version:
        raise StepNotPossible(f"{earlier} is in force. Choose an earlier one.")
    if not policy.versions.published().filter(pk=earlier.pk).exists():
        raise StepNotPossible(f"{earlier} was never in force. Publish it instead.")
    check_rules(earlier.rules, context=policy.context)
    follows = not differs_from_live(policy)
    version = _frozen(policy, earlier.rules, earlier.examples or [], by)
    why = f"Back to version {number}. {note}".strip()
    note_step(version, VersionStatus.DRAFT, why, by.label, key_of(by))
    _put_in_force(version, why, by)
    if follows:
        save_draft(
            policy=policy,
            rules=[{**rule, "enabled": True} for rule in version.rules],
            examples=version.examples or [],
            note=why,
            by=by,
        )
    return version


@transaction.atomic
def publish_policy(
    *, policy: Policy, note: str = "", gated: bool = True, by: Actor
) -> PolicyVersion:
    """Hand the draft in and publish it at once. Without a change the version in force is returned.

    Raises what `submit_version` and `publish_version` raise.
    """
    Policy.objects.select_for_update().get(pk=policy.pk)
    live = policy.live()
    if live and not differs_from_live(policy):
        return live
    version = submit_version(policy=policy, note=note, by=by)
    publish_version(version=version, note=note, gated=gated, by=by)
    policy.live_version = version.pk
    return version


@transaction.atomic
def seed_policy(
    *, context: str, slug: str, title: str, rules: Sequence[Mapping[str, str]], by: Actor
) -> Policy:
    """A first policy for a new tenant, published. One that exists is left as the tenant has it."""
    policy, created = Policy.objects.get_or_create(
        context=context, slug=slug, defaults={"title": title}
    )
    if created:
        for position, rule in enumerate(rules, start=1):
            Rule.objects.create(policy=policy, position=position, **rule)
        publish_policy(policy=policy, note="The rules that every tenant starts with.", by=by)
    return policy


def locked(version: PolicyVersion, *possible: VersionStatus) -> str:
    """Its status, the policy locked. Raises StepNotPossible where it is none of the possible."""
    version.policy = Policy.objects.select_for_update().get(pk=version.policy_id)
    status = version.current_status()
    if status not in possible:
        raise StepNotPossible(
            f"{version} is {VersionStatus(status).label.lower()}. Reload the page to see where it "
            "stands."
        )
    return status


def _frozen(
    policy: Policy,
    rules: Sequence[Mapping[str, Any]],
    examples: Sequence[Mapping[str, Any]],
    by: Actor,
) -> PolicyVersion:
    newest = policy.versions.order_by("-number").values_list("number", flat=True).first()
    return PolicyVersion.objects.create(
        policy=policy,
        number=(newest or 0) + 1,
        rules=list(rules),
        examples=list(examples),
        author_id=policy.draft_by_id or key_of(by),
        published_by=by.label,
    )


def _put_in_force(version: PolicyVersion, note: str, by: Actor) -> None:
    policy = version.policy
    before = policy.live()
    note_step(version, VersionStatus.PUBLISHED, note, by.label, key_of(by))
    if before:
        told = f"Replaced by version {version.number}."
        note_step(before, VersionStatus.RETIRED, told, by.label, key_of(by))
    policy.live_version = version.pk
    # What was asked for is of the rules that were in force then.
    policy.asked_move = policy.asked_note = policy.asked_by = policy.asked_by_id = ""
    policy.save(update_fields=["live_version", *ASKED, "updated_at"])
    version.schedules.filter(status=Schedule.Status.WAITING).exclude(
        due_at__lte=timezone.now()
    ).update(status=Schedule.Status.CANCELLED, detail="It was published before.")
    data = {"slug": policy.slug, "version": version.number, "rules": version.rules, "note": note}
    record_policy("published", policy, data, by)


def _stepped(version: PolicyVersion, status: VersionStatus, note: str, by: Actor) -> None:
    note_step(version, status, note, by.label, key_of(by))
    record_policy(status.value, version.policy, {"version": version.number, "note": note}, by)


def note_step(
    version: PolicyVersion, status: VersionStatus, note: str, by: str, by_id: str
) -> None:
    VersionStep.objects.create(version=version, status=status, note=note[:500], by=by, by_id=by_id)


def _by_ids(version: PolicyVersion, *statuses: VersionStatus) -> set[str]:
    return set(version.steps.filter(status__in=statuses).values_list("by_id", flat=True))
