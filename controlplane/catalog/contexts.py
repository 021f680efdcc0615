"""What policies may judge about an upgrade that a rollout brings.

Accept lets it go on, hold asks people of the tenant, reject declines it. A tenant without rules
about upgrades takes them: whoever wants a say writes a rule.
"""

import uuid
from typing import Any

from controlplane.catalog.models import Rollout
from controlplane.catalog.upgrades.planning import Plan
from controlplane.policies.contexts import register_context

UPGRADE = "template_upgrade"
MOST_SCOPES = 100

FIELDS: dict[str, str] = {
    "upgrade.template": "Slug of the template, such as review-shopify-order",
    "upgrade.title": "Its title",
    "upgrade.from_version": "The version that is installed",
    "upgrade.to_version": "The version that comes",
    "upgrade.size": "Which part of the version grows: major, minor or patch",
    "upgrade.notes": "What the release says of itself; may be empty",
    "upgrade.change_count": "How many changes the release brings",
    "upgrade.own_change_count": "How many the tenant made in n8n",
    "upgrade.conflict_count": "How many conflicts are to be decided",
    "upgrade.new_scopes": "What its key may do besides, a list such as ['orders:write']",
    "upgrade.ring": "The ring of the rollout; 0 are the sandboxes",
    "upgrade.asked_by": "Who began the rollout",
}
SAMPLE: dict[str, Any] = {
    "upgrade": {
        "template": "review-shopify-order",
        "title": "Review risky orders",
        "from_version": "1.2.0",
        "to_version": "2.0.0",
        "size": "major",
        "notes": "Asks a person before an order is released.",
        "change_count": 4,
        "own_change_count": 1,
        "conflict_count": 0,
        "new_scopes": ["approvals:request"],
        "ring": 1,
        "asked_by": "Ada Sample (platform)",
    }
}


def register() -> None:
    """Called when the app is ready."""
    register_context(
        UPGRADE,
        fields=FIELDS,
        list_bounds={"upgrade.new_scopes": MOST_SCOPES},
        sample=SAMPLE,
        title="Upgrade “{upgrade.title}” from {upgrade.from_version} to {upgrade.to_version}",
    )


def facts_of(plan: Plan, rollout: Rollout, ring: int) -> dict[str, Any]:
    before, after = plan.before, plan.release
    new = sorted(set(after.terms.scopes) - set(before.terms.scopes))
    return {
        "upgrade": {
            "template": plan.installation.template_slug,
            "title": after.template.title,
            "from_version": before.version,
            "to_version": after.version,
            "size": size_of(before.ordered_version, after.ordered_version),
            "notes": after.notes,
            "change_count": len(plan.release_changes()),
            "own_change_count": len(plan.own_changes()),
            "conflict_count": len(plan.merged.conflicts),
            "new_scopes": new[:MOST_SCOPES],
            "ring": ring,
            "asked_by": rollout.asked_by,
        }
    }


def size_of(before: tuple[int, ...], after: tuple[int, ...]) -> str:
    differing = [
        index for index, pair in enumerate(zip(before, after, strict=False)) if len(set(pair)) > 1
    ]
    return ("major", "minor", "patch")[min([*differing, 2])]


def subject_id(rollout: Rollout, installation_id: uuid.UUID) -> uuid.UUID:
    """One decision for each installation and rollout."""
    return uuid.uuid5(installation_id, str(rollout.pk))
