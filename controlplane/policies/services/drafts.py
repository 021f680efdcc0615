"""A policy and its draft: what anybody may edit, and what does not count before it is published."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.policies.models import Example, Policy, PolicyVersion, Rule
from controlplane.policies.services.decisions import key_of


class PolicyUnknown(DomainError):
    code = "policy_unknown"
    status = 404
    title = "No such policy"


class PolicyTaken(DomainError):
    code = "policy_taken"
    status = 409
    title = "There is such a policy"


def get_policy(policy_id: Any) -> Policy:
    """Raises PolicyUnknown."""
    found = Policy.objects.filter(pk=policy_id).first()
    if found is None:
        raise PolicyUnknown(f"This tenant has no policy {policy_id}.")
    return found


@transaction.atomic
def create_policy(*, context: str, slug: str, title: str, by: Actor) -> Policy:
    """Without rules yet. Raises PolicyTaken."""
    policy, created = Policy.objects.get_or_create(
        context=context, slug=slug, defaults={"title": title, **_edited(by, "")}
    )
    if not created:
        raise PolicyTaken(
            f"There is a policy “{slug}” about {context} already. Take another short name.",
            errors=(FieldError("slug", "is taken"),),
        )
    record_policy("created", policy, {}, by)
    return policy


@transaction.atomic
def save_draft(
    *,
    policy: Policy,
    rules: Sequence[Mapping[str, Any]],
    examples: Sequence[Mapping[str, Any]],
    note: str = "",
    by: Actor,
) -> None:
    """Replace the draft. What counts stays; a rule with a fault may be saved, and not frozen.

    `rules` are dicts of code, verdict, expression, message and enabled; `examples` of name, facts,
    verdict and codes.
    """
    Policy.objects.select_for_update().get(pk=policy.pk)
    policy.rules.all().delete()
    policy.examples.all().delete()
    Rule.objects.bulk_create(
        Rule(policy=policy, position=position, **rule)
        for position, rule in enumerate(rules, start=1)
    )
    Example.objects.bulk_create(
        Example(policy=policy, position=position, **example)
        for position, example in enumerate(examples, start=1)
    )
    note_edit(policy, note=note, by=by)
    record_policy("edited", policy, {"rules": [rule["code"] for rule in rules], "note": note}, by)


def note_edit(policy: Policy, *, note: str = "", by: Actor) -> None:
    """Whoever edited last counts as an author: that person does not approve the version."""
    edited = _edited(by, note)
    for name, value in edited.items():
        setattr(policy, name, value)
    policy.save(update_fields=[*edited, "updated_at"])


def draft_of(policy: Policy) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rules and examples as freezing would take them."""
    rules = policy.rules.filter(enabled=True).order_by("position", "code")
    return [rule.as_published() for rule in rules], [
        example.as_published() for example in policy.examples.order_by("position", "name")
    ]


def live_numbers(policies: Sequence[Policy]) -> dict[Any, int]:
    """By policy, the number of the version that counts; without those where none does."""
    live = [policy.live_version for policy in policies if policy.live_version]
    return dict(PolicyVersion.objects.filter(pk__in=live).values_list("policy", "number"))


def differs_from_live(policy: Policy) -> bool:
    live = policy.live()
    rules, examples = draft_of(policy)
    return live is None or live.rules != rules or (live.examples or []) != examples


def record_policy(verb: str, policy: Policy, data: dict[str, Any], by: Actor) -> None:
    record(
        action=f"policy.{verb}",
        subject_type="policy",
        subject_id=str(policy.pk),
        data=data,
        by=by,
    )


def _edited(by: Actor, note: str) -> dict[str, str]:
    return {"draft_by": by.label, "draft_by_id": key_of(by), "draft_note": note[:500]}
