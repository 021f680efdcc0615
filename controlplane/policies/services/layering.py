"""Rules for many tenants: handed in, approved, published and retired, outside of any tenant.

As a tenant's own go: draft, in review, approved, published, retired. What has to be true before a
version binds, `layer_gate` says.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.core.actor import Actor, ActorKind
from controlplane.policies import layers
from controlplane.policies.models import (
    LayerExample,
    LayerPolicy,
    LayerRule,
    LayerVersion,
    Schedule,
    VersionStatus,
)
from controlplane.policies.services.decisions import key_of
from controlplane.policies.services.layer_drafts import (
    get_layer_version,
    layer_differs_from_live,
    layer_draft,
    live_layer_version,
    note_layer_edit,
    record_layer,
    save_layer_draft,
)
from controlplane.policies.services.layer_gate import assert_may_publish, authors_of
from controlplane.policies.services.publishing import (
    OPEN,
    AuthorMayNotApprove,
    NothingToReview,
    StepNotPossible,
)
from controlplane.policies.services.rules import check_rules, run_examples


@transaction.atomic
def submit_layer(*, policy: LayerPolicy, note: str = "", by: Actor) -> LayerVersion:
    """Freeze the draft and hand it in for review. The same draft again is the same version.

    Raises NothingToReview, ExampleFailed and what `check_rules` raises.
    """
    policy = _held(policy)
    rules, examples = layer_draft(policy)
    newest = policy.versions.order_by("-number").first()
    if newest and newest.rules == rules and (newest.examples or []) == examples:
        if newest.status in OPEN:
            return newest
        if newest.pk == policy.live_version:
            raise NothingToReview(f"Version {newest.number} says just this, and is in force.")
    check_rules(rules, context=policy.context)
    run_examples(examples, rules=rules, context=policy.context)
    author = {"by": policy.draft_by or by.label, "by_id": policy.draft_by_id or key_of(by)}
    version = _frozen(
        policy, rules, examples, VersionStatus.REVIEW,
        [
            {**_step(VersionStatus.DRAFT, policy.draft_note, by), **author},
            _step(VersionStatus.REVIEW, note, by),
        ],
    )  # fmt: skip
    record_layer("review", policy, {"version": version.number, "rules": rules, "note": note}, by)
    return version


@transaction.atomic
def approve_layer(*, version: LayerVersion, note: str = "", by: Actor) -> None:
    """By another person than who wrote it or handed it in.

    Raises StepNotPossible, AuthorMayNotApprove.
    """
    version = locked_layer(version, VersionStatus.REVIEW)
    if by.kind is ActorKind.SYSTEM or key_of(by) in authors_of(version):
        asked = "of your company" if version.policy.partner_id else "of the platform"
        raise AuthorMayNotApprove(
            f"{version} was written or handed in by you. Ask a colleague {asked}."
        )
    _take(version, VersionStatus.APPROVED, note, by)


@transaction.atomic
def withdraw_layer(*, version: LayerVersion, note: str = "", by: Actor) -> None:
    """Retire a version that was never published. The draft goes on. Raises StepNotPossible."""
    version = locked_layer(version, *OPEN)
    _cancel_waiting(version, "The version was withdrawn.")
    _take(version, VersionStatus.RETIRED, note, by)


def publish_layer_version(
    *, version: LayerVersion, note: str = "", alone: bool = False, gated: bool = True, by: Actor
) -> LayerVersion:
    """Make it bind; every process follows within seconds, and the one before retires.

    `alone`: without a second person, since there is none; `note` is the reason. In no transaction
    that has written, as tenants' histories may be asked. Raises StepNotPossible, ExampleFailed, and
    what `assert_may_publish` and `check_rules` raise.
    """
    version = LayerVersion.objects.select_related("policy__partner").get(pk=version.pk)
    told: Mapping[str, Any] = {}
    if gated and version.status in OPEN:
        told = assert_may_publish(version, alone=alone, note=note, by=by)
    with transaction.atomic():
        version = locked_layer(version, *OPEN)
        check_rules(version.rules, context=version.policy.context)
        run_examples(version.examples or [], rules=version.rules, context=version.policy.context)
        _put_in_force(version, note, told, by)
    return version


@transaction.atomic
def roll_back_layer(*, policy: LayerPolicy, number: int, note: str, by: Actor) -> LayerVersion:
    """Put an earlier version's rules in force at once, as a new version: what bound before may bind
    again, so neither a second person nor a threshold is asked for.

    A draft that says the same as what was in force follows; other work on it stays. Raises
    VersionUnknown, StepNotPossible and what `check_rules` raises.
    """
    policy = _held(policy)
    earlier = get_layer_version(policy, number)
    if earlier.pk == policy.live_version:
        raise StepNotPossible(f"{earlier} is in force. Choose an earlier one.")
    if not was_in_force(earlier):
        raise StepNotPossible(f"{earlier} was never in force. Publish it instead.")
    check_rules(earlier.rules, context=policy.context)
    follows = not layer_differs_from_live(policy)
    why = f"Back to version {number}. {note}".strip()
    version = _frozen(
        policy, earlier.rules, earlier.examples or [], VersionStatus.DRAFT,
        [_step(VersionStatus.DRAFT, why, by)],
    )  # fmt: skip
    _put_in_force(version, why, {}, by)
    if follows:
        save_layer_draft(
            policy=policy,
            rules=[{**rule, "enabled": True} for rule in version.rules],
            examples=version.examples or [],
            note=why,
            by=by,
        )
    return version


@transaction.atomic
def retire_layer(*, version: LayerVersion, note: str = "", by: Actor) -> None:
    """Take what binds out of force, at once and without another in its place: to bind fewer
    needs nobody else. Rolling back brings it in again. Raises StepNotPossible.
    """
    version = locked_layer(version, VersionStatus.PUBLISHED)
    _take(version, VersionStatus.RETIRED, note, by)
    version.policy.live_version = None
    version.policy.save(update_fields=["live_version", "updated_at"])
    transaction.on_commit(layers.forget)


@transaction.atomic
def seed_layer(
    *,
    layer: str,
    context: str,
    slug: str,
    title: str,
    rules: Sequence[Mapping[str, str]],
    examples: Sequence[Mapping[str, Any]] = (),
    partner: Any = None,
    by: Actor,
) -> LayerPolicy:
    """Write rules of a layer and publish them, past any review: for the platform's own set-up.
    One that exists gets these rules.
    """
    policy, _created = LayerPolicy.objects.update_or_create(
        partner=partner, context=context, slug=slug, defaults={"layer": layer, "title": title}
    )
    policy.rules.all().delete()
    policy.examples.all().delete()
    LayerRule.objects.bulk_create(
        LayerRule(policy=policy, position=position, **rule)
        for position, rule in enumerate(rules, start=1)
    )
    LayerExample.objects.bulk_create(
        LayerExample(policy=policy, position=position, **example)
        for position, example in enumerate(examples, start=1)
    )
    note_layer_edit(policy, by=by)
    try:
        version = submit_layer(policy=policy, by=by)
    except NothingToReview:
        return policy
    publish_layer_version(version=version, gated=False, by=by)
    policy.refresh_from_db()
    return policy


def locked_layer(version: LayerVersion, *possible: VersionStatus) -> LayerVersion:
    """As it stands now, its policy locked. Raises StepNotPossible where it is none of these."""
    _held(version.policy)
    found = LayerVersion.objects.select_related("policy__partner").get(pk=version.pk)
    if found.status not in possible:
        raise StepNotPossible(
            f"{found} is {VersionStatus(found.status).label.lower()}. Reload the page to see where "
            "it stands."
        )
    return found


def was_in_force(version: LayerVersion) -> bool:
    return any(step["status"] == VersionStatus.PUBLISHED for step in version.steps)


def _held(policy: LayerPolicy) -> LayerPolicy:
    return LayerPolicy.objects.select_for_update(of=("self",)).get(pk=policy.pk)


def _frozen(
    policy: LayerPolicy,
    rules: list[dict[str, str]],
    examples: list[dict[str, Any]],
    status: VersionStatus,
    steps: list[dict[str, Any]],
) -> LayerVersion:
    newest = policy.versions.order_by("-number").values_list("number", flat=True).first()
    return LayerVersion.objects.create(
        policy=policy,
        number=(newest or 0) + 1,
        rules=rules,
        examples=examples,
        status=status,
        steps=steps,
    )


def _put_in_force(version: LayerVersion, note: str, told: Mapping[str, Any], by: Actor) -> None:
    policy = version.policy
    live = live_layer_version(policy)
    _take(version, VersionStatus.PUBLISHED, note, by, told)
    if live:
        why = f"Replaced by v{version.number}."
        live.status = VersionStatus.RETIRED
        live.steps = [*live.steps, _step(VersionStatus.RETIRED, why, by)]
        live.save()
    policy.live_version = version.pk
    policy.save(update_fields=["live_version", "updated_at"])
    waiting = version.schedules.filter(due_at__gt=timezone.now())
    _cancel_waiting(version, "It was published before.", waiting)
    transaction.on_commit(layers.forget)


def _cancel_waiting(version: LayerVersion, why: str, among: Any = None) -> None:
    found = version.schedules.all() if among is None else among
    found.filter(status=Schedule.Status.WAITING).update(
        status=Schedule.Status.CANCELLED, detail=why
    )


def _take(
    version: LayerVersion,
    status: VersionStatus,
    note: str,
    by: Actor,
    told: Mapping[str, Any] | None = None,
) -> None:
    alone = {"alone": True} if told and told.get("alone") else {}
    version.status = status
    version.steps = [*version.steps, {**_step(status, note, by), **alone}]
    version.save()
    data = {"version": version.number, "note": note, **(told or {})}
    if status == VersionStatus.PUBLISHED:
        data["rules"] = version.rules
    record_layer("published_alone" if alone else status.value, version.policy, data, by)


def _step(status: VersionStatus, note: str, by: Actor) -> dict[str, Any]:
    return {
        "status": status.value,
        "note": note[:500],
        "by": by.label,
        "by_id": key_of(by),
        "at": timezone.now().isoformat(),
    }
