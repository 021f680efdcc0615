"""Rules for many tenants: written and published by the platform's people, outside of any tenant."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.policies import layers
from controlplane.policies.models import LayerPolicy, LayerVersion, VersionStatus
from controlplane.policies.services.rules import check_rules


@transaction.atomic
def publish_layer(*, policy: LayerPolicy, note: str = "", by: Actor) -> LayerVersion:
    """Make the draft bind; every process follows within seconds. Without a change the version in
    force is returned.

    Raises what `check_rules` raises.
    """
    LayerPolicy.objects.select_for_update().get(pk=policy.pk)
    live = policy.versions.filter(pk=policy.live_version or uuid.UUID(int=0)).first()
    if live and live.rules == policy.rules:
        return live
    check_rules(policy.rules, context=policy.context)
    newest = policy.versions.order_by("-number").values_list("number", flat=True).first()
    version = LayerVersion.objects.create(
        policy=policy,
        number=(newest or 0) + 1,
        rules=policy.rules,
        status=VersionStatus.PUBLISHED,
        steps=[
            _step(VersionStatus.DRAFT, "", by),
            _step(VersionStatus.PUBLISHED, note, by),
        ],
    )
    if live:
        live.status = VersionStatus.RETIRED
        live.steps = [
            *live.steps, _step(VersionStatus.RETIRED, f"Replaced by v{version.number}.", by)
        ]  # fmt: skip
        live.save()
    policy.live_version = version.pk
    policy.save(update_fields=["live_version", "updated_at"])
    _record("published", policy, {"version": version.number, "rules": version.rules}, by)
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
    partner: Any = None,
    by: Actor,
) -> LayerPolicy:
    """Write rules of a layer and publish them. One that exists gets these rules."""
    policy, _created = LayerPolicy.objects.update_or_create(
        partner=partner,
        context=context,
        slug=slug,
        defaults={"layer": layer, "title": title, "rules": [dict(rule) for rule in rules]},
    )
    publish_layer(policy=policy, by=by)
    return policy


def _step(status: VersionStatus, note: str, by: Actor) -> dict[str, str]:
    return {
        "status": status.value,
        "note": note,
        "by": by.label,
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
