"""Rules for many tenants: written, handed in, approved and published outside of any tenant.

As a tenant's own go: draft, in review, approved, published, retired. Whether somebody else than the
author has to approve, the platform says (`LAYERS_NEED_APPROVAL`), since no tenant's threshold can.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError
from controlplane.policies import layers
from controlplane.policies.models import (
    LayerExample,
    LayerPolicy,
    LayerRule,
    LayerVersion,
    VersionStatus,
)
from controlplane.policies.services.decisions import key_of
from controlplane.policies.services.publishing import (
    OPEN,
    AuthorMayNotApprove,
    NothingToReview,
    StepNotPossible,
)
from controlplane.policies.services.rules import check_rules, run_examples


class ApprovalNeeded(DomainError):
    code = "layer_approval_needed"
    status = 409
    title = "Somebody else has to approve first"


def layer_draft(policy: LayerPolicy) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Rules and examples as freezing would take them."""
    rules = policy.rules.filter(enabled=True).order_by("position", "code")
    examples = policy.examples.order_by("position", "name")
    return [rule.as_published() for rule in rules], [each.as_published() for each in examples]


def note_layer_edit(policy: LayerPolicy, *, by: Actor) -> None:
    """Whoever edited last counts as an author: that person does not approve the version."""
    policy.draft_by, policy.draft_by_id = by.label, key_of(by)
    policy.save(update_fields=["draft_by", "draft_by_id", "updated_at"])


@transaction.atomic
def submit_layer(*, policy: LayerPolicy, note: str = "", by: Actor) -> LayerVersion:
    """Freeze the draft and hand it in for review. The same draft again is the same version.

    Raises NothingToReview, ExampleFailed and what `check_rules` raises.
    """
    policy = LayerPolicy.objects.select_for_update(of=("self",)).get(pk=policy.pk)
    rules, examples = layer_draft(policy)
    newest = policy.versions.order_by("-number").first()
    if newest and newest.rules == rules and (newest.examples or []) == examples:
        if newest.status in OPEN:
            return newest
        if newest.pk == policy.live_version:
            raise NothingToReview(f"Version {newest.number} says just this, and is in force.")
    check_rules(rules, context=policy.context)
    run_examples(examples, rules=rules, context=policy.context)
    version = LayerVersion(
        policy=policy,
        number=(newest.number if newest else 0) + 1,
        rules=rules,
        examples=examples,
        status=VersionStatus.REVIEW,
        steps=[],
    )
    author = {"by": policy.draft_by or by.label, "by_id": policy.draft_by_id or key_of(by)}
    version.steps = [
        {**_step(VersionStatus.DRAFT, "", by), **author},
        _step(VersionStatus.REVIEW, note, by),
    ]
    version.save()
    _record("review", policy, {"version": version.number, "rules": rules, "note": note}, by)
    return version


@transaction.atomic
def approve_layer(*, version: LayerVersion, note: str = "", by: Actor) -> None:
    """By another person than who wrote it or handed it in.

    Raises StepNotPossible, AuthorMayNotApprove.
    """
    version = _locked(version, VersionStatus.REVIEW)
    if by.kind is ActorKind.SYSTEM or key_of(by) in {each.get("by_id") for each in version.steps}:
        raise AuthorMayNotApprove(
            f"{version} was written or handed in by you. Ask a colleague of the platform."
        )
    _take(version, VersionStatus.APPROVED, note, by)


@transaction.atomic
def withdraw_layer(*, version: LayerVersion, note: str = "", by: Actor) -> None:
    """Retire a version that was never published. The draft goes on. Raises StepNotPossible."""
    _take(_locked(version, *OPEN), VersionStatus.RETIRED, note, by)


@transaction.atomic
def publish_layer_version(
    *, version: LayerVersion, note: str = "", gated: bool = True, by: Actor
) -> LayerVersion:
    """Make it bind; every process follows within seconds, and the one before retires.

    Raises StepNotPossible, ApprovalNeeded, ExampleFailed and what `check_rules` raises.
    """
    version = _locked(version, *OPEN)
    policy = version.policy
    if gated and settings.LAYERS_NEED_APPROVAL and version.status != VersionStatus.APPROVED:
        raise ApprovalNeeded(
            f"{version} binds many tenants, so somebody else than its author approves it first. "
            "Ask a colleague of the platform."
        )
    check_rules(version.rules, context=policy.context)
    run_examples(version.examples or [], rules=version.rules, context=policy.context)
    live = policy.versions.filter(pk=policy.live_version or uuid.UUID(int=0)).first()
    _take(version, VersionStatus.PUBLISHED, note, by)
    if live:
        told = f"Replaced by v{version.number}."
        live.status = VersionStatus.RETIRED
        live.steps = [*live.steps, _step(VersionStatus.RETIRED, told, by)]
        live.save()
    policy.live_version = version.pk
    policy.save(update_fields=["live_version", "updated_at"])
    transaction.on_commit(layers.forget)
    return version


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


def _locked(version: LayerVersion, *possible: VersionStatus) -> LayerVersion:
    """As it stands now, its policy locked. Raises StepNotPossible where it is none of these."""
    LayerPolicy.objects.select_for_update(of=("self",)).get(pk=version.policy_id)
    found = LayerVersion.objects.select_related("policy").get(pk=version.pk)
    if found.status not in possible:
        raise StepNotPossible(
            f"{found} is {VersionStatus(found.status).label.lower()}. Reload the page to see where "
            "it stands."
        )
    return found


def _take(version: LayerVersion, status: VersionStatus, note: str, by: Actor) -> None:
    version.status = status
    version.steps = [*version.steps, _step(status, note, by)]
    version.save()
    told = {"version": version.number, "note": note}
    if status == VersionStatus.PUBLISHED:
        told["rules"] = version.rules
    _record(status.value, version.policy, told, by)


def _step(status: VersionStatus, note: str, by: Actor) -> dict[str, str]:
    return {
        "status": status.value,
        "note": note[:500],
        "by": by.label,
        "by_id": key_of(by),
        "at": timezone.now().isoformat(),
    }


def _record(verb: str, policy: LayerPolicy, data: dict[str, Any], by: Actor) -> None:
    record(
        action=f"layer_policy.{verb}",
        subject_type="layer_policy",
        subject_id=str(policy.pk),
        data={"layer": policy.layer, "slug": policy.slug, **data},
        by=by,
    )
