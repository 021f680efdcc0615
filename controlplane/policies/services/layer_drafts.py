"""Rules for many tenants and their draft, which binds nobody before a version is published."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import FieldError
from controlplane.policies.models import (
    Layer,
    LayerExample,
    LayerPolicy,
    LayerRule,
    LayerVersion,
)
from controlplane.policies.services.decisions import key_of
from controlplane.policies.services.drafts import PolicyTaken, PolicyUnknown
from controlplane.policies.services.publishing import VersionUnknown
from tenants.models import Partner


def get_layer_policy(policy_id: uuid.UUID, *, owners: Collection[Partner]) -> LayerPolicy:
    """One of these partners': anybody else's is not there. Raises PolicyUnknown."""
    found = (
        LayerPolicy.objects.select_related("partner")
        .filter(pk=policy_id, partner__in=[each.pk for each in owners])
        .first()
    )
    if found is None:
        raise PolicyUnknown(f"Your company has no rules {policy_id}.")
    return found


def get_layer_version(policy: LayerPolicy, number: int) -> LayerVersion:
    """Raises VersionUnknown."""
    found = policy.versions.select_related("policy__partner").filter(number=number).first()
    if found is None:
        raise VersionUnknown(f"{policy} has no version {number}.")
    return found


@transaction.atomic
def create_partner_layer(
    *, partner: Partner, context: str, slug: str, title: str, by: Actor
) -> LayerPolicy:
    """Without rules yet. Raises PolicyTaken."""
    policy, created = LayerPolicy.objects.get_or_create(
        partner=partner,
        context=context,
        slug=slug,
        defaults={
            "layer": Layer.PARTNER,
            "title": title,
            "draft_by": by.label,
            "draft_by_id": key_of(by),
        },
    )
    if not created:
        raise PolicyTaken(
            f"{partner} has rules “{slug}” about {context} already. Take another short name.",
            errors=(FieldError("slug", "is taken"),),
        )
    record_layer("created", policy, {"partner": partner.slug}, by)
    return policy


@transaction.atomic
def save_layer_draft(
    *,
    policy: LayerPolicy,
    rules: Sequence[Mapping[str, Any]],
    examples: Sequence[Mapping[str, Any]],
    note: str = "",
    by: Actor,
) -> None:
    """Replace the draft, in the form of `save_draft`. What binds stays."""
    LayerPolicy.objects.select_for_update(of=("self",)).get(pk=policy.pk)
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
    note_layer_edit(policy, note=note, by=by)
    record_layer("edited", policy, {"rules": [rule["code"] for rule in rules], "note": note}, by)


def layer_draft(policy: LayerPolicy) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Rules and examples as freezing would take them."""
    rules = policy.rules.filter(enabled=True).order_by("position", "code")
    examples = policy.examples.order_by("position", "name")
    return [rule.as_published() for rule in rules], [each.as_published() for each in examples]


def layer_differs_from_live(policy: LayerPolicy) -> bool:
    live = live_layer_version(policy)
    rules, examples = layer_draft(policy)
    return live is None or live.rules != rules or (live.examples or []) != examples


def live_layer_version(policy: LayerPolicy) -> LayerVersion | None:
    """The version that binds; None where none does."""
    return policy.versions.filter(pk=policy.live_version or uuid.UUID(int=0)).first()


def live_layer_numbers(policies: Sequence[LayerPolicy]) -> dict[Any, int]:
    """By policy, the number of the version that binds; without those where none does."""
    live = [policy.live_version for policy in policies if policy.live_version]
    return dict(LayerVersion.objects.filter(pk__in=live).values_list("policy", "number"))


def note_layer_edit(policy: LayerPolicy, *, note: str = "", by: Actor) -> None:
    """Whoever edited last counts as an author: that person does not approve the version."""
    policy.draft_by, policy.draft_by_id, policy.draft_note = by.label, key_of(by), note[:500]
    policy.save(update_fields=["draft_by", "draft_by_id", "draft_note", "updated_at"])


def record_layer(verb: str, policy: LayerPolicy, data: Mapping[str, Any], by: Actor) -> None:
    record(
        action=f"layer_policy.{verb}",
        subject_type="layer_policy",
        subject_id=str(policy.pk),
        data={"layer": policy.layer, "slug": policy.slug, **data},
        by=by,
    )
