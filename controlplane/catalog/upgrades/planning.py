"""What an upgrade would do, before anything is written: both sides' changes, and conflicts."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from controlplane.catalog.changes import changes_since
from controlplane.catalog.models import Installation, Release, ReleaseUnknown, Template
from controlplane.catalog.services import get_installation, get_release
from controlplane.catalog.upgrades.sides import Seen, deployed, look_at, values_for, wanted
from controlplane.core.errors import DomainError, FieldError
from controlplane.instances.client import N8nClient
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from controlplane.workflow.conflicts import Choice, Conflict, Resolution
from controlplane.workflow.differences import compare
from controlplane.workflow.merging import Merged, merge
from controlplane.workflow.shapes import MISSING, Json
from controlplane.workflow.wording import conflict_sentence, sentence, shown
from tenants.context import current_tenant

MOST_CHANGES = 200
MOST_RESOLUTIONS = 500
# A decision may bring further questions to light, such as what was edited in a node that stays.
ROUNDS = 5
Translate = Callable[[str], str]


class UpgradeNotPossible(DomainError):
    code = "upgrade_not_possible"
    status = 409
    title = "The installation cannot be upgraded to this release"


@dataclass(frozen=True)
class Question:
    """A conflict as a person reads it. `choice` is what was decided, or None."""

    key: str
    text: str
    mine: str
    theirs: str
    choice: Choice | None
    is_told_only: bool
    """Nothing to choose: it only has to be known."""


@dataclass(frozen=True)
class Plan:
    """All of an upgrade that is known beforehand. `merged` is a preview while it has conflicts."""

    installation: Installation
    before: Release
    release: Release
    seen: Seen
    base: Json
    merged: Merged
    values: dict[str, Any]

    def release_changes(self, translate: Translate = str) -> list[str]:
        return changes_since(self.before, self.release, translate)

    def own_changes(self, translate: Translate = str) -> list[str]:
        return sentences(self.base, self.seen.sound, translate)

    def questions(self, translate: Translate = str) -> list[Question]:
        """Open ones first, then those that are decided, which can still be decided anew."""
        return [
            question(conflict, translate)
            for conflict in (*self.merged.conflicts, *self.merged.settled)
        ]

    def resolutions(self, choices: dict[str, str]) -> list[Resolution]:
        """What these choices, by key, mean; one that is no answer to a question is left out."""
        return [
            conflict.resolved("theirs" if choices[conflict.key] == "theirs" else "ours")
            for conflict in (*self.merged.conflicts, *self.merged.settled)
            if choices.get(conflict.key) in ("ours", "theirs")
        ]


def plan_upgrade(
    *,
    installation_id: uuid.UUID,
    release_id: uuid.UUID,
    choices: dict[str, str] | None = None,
    take: Choice | None = None,
    parameters: dict[str, Any] | None = None,
) -> Plan:
    """Reads the workflow from n8n, and changes nothing.

    `choices` are by a conflict's key “ours” or “theirs”; `take` decides all others. A value that
    the release asks for and nobody gave stands as the release has it. Raises InstallationUnknown,
    ReleaseUnknown, UpgradeNotPossible, WorkflowGone, WorkflowArchived, InstanceError.
    """
    installation, release = get_installation(installation_id), get_release(release_id)
    require_possible(installation, release)
    with client_for(Workspace.current(), tries=1) as n8n:
        return planned(installation, release, n8n, choices or {}, take, parameters or {})


def planned(
    installation: Installation,
    release: Release,
    n8n: N8nClient,
    choices: dict[str, str],
    take: Choice | None,
    parameters: dict[str, Any],
) -> Plan:
    before = installation.release()
    values = _values_so_far(release, installation, parameters)
    seen = look_at(installation, n8n)
    base, theirs = deployed(installation, before), wanted(installation, release, values)
    known = {each.key: each for each in remembered(installation)}
    for _round in range(ROUNDS):
        merged = merge(base=base, ours=seen.sound, theirs=theirs, resolutions=known.values())
        plan = Plan(installation, before, release, seen, base, merged, values)
        asked = dict(choices)
        if take is not None:
            asked = {conflict.key: take for conflict in merged.conflicts} | asked
        new = {each.key: each for each in plan.resolutions(asked) if known.get(each.key) != each}
        if not new:
            break
        known |= new
    return plan


def require_possible(installation: Installation, release: Release) -> None:
    """Raises UpgradeNotPossible."""
    told = ""
    if installation.status != Installation.Status.ACTIVE:
        told = (
            f"“{installation}” is {installation.get_status_display().lower()}, and only an active "
            "installation is upgraded. Open it to see what it needs."
        )
    elif release.template.slug != installation.template_slug:
        told = f"“{release}” is of another template than “{installation}”."
    elif release.pk == installation.release_id:
        told = f"“{installation}” has this release already."
    elif release.status != Release.Status.LIVE and not current_tenant().is_sandbox:
        told = (
            f"“{release}” is {release.get_status_display().lower()}. Only a live release is "
            "installed; a sandbox takes any."
        )
    if told:
        raise UpgradeNotPossible(told)


def remembered(installation: Installation) -> list[Resolution]:
    """What was decided before. An entry that another version of Pergola wrote may be unreadable."""
    found = []
    for stored in installation.resolutions:
        try:
            found.append(Resolution(**stored))
        except TypeError:
            continue
    return found


def together(before: Iterable[Resolution], new: Iterable[Resolution]) -> list[dict[str, Any]]:
    """As it is stored, the newest last."""
    by_key = {each.key: each for each in before}
    for each in new:
        by_key.pop(each.key, None)
        by_key[each.key] = each
    return [vars(each).copy() for each in by_key.values()][-MOST_RESOLUTIONS:]


def wanted_release(installation: Installation, version: str = "") -> Release:
    """The one of that version, or the newest above the installation's.

    Raises ReleaseUnknown, UpgradeNotPossible.
    """
    slug = installation.template_slug
    if not version:
        if (newest := newest_release(installation)) is None:
            raise UpgradeNotPossible(f"“{installation}” is the newest.")
        return newest
    found = Release.objects.filter(template__slug=slug, version=version).first()
    if found is None:
        raise ReleaseUnknown(
            f"There is no release {version} of “{slug}”.",
            errors=(FieldError("version", "is no release of the template"),),
        )
    return found


def newest_release(installation: Installation) -> Release | None:
    """A live release of the same template above the installation's; without its workflow."""
    live = Release.objects.filter(
        template__slug=installation.template_slug, status=Release.Status.LIVE
    ).only("id", "version", "released_at", "notes")
    here = tuple(int(part) for part in installation.release_version.split("."))
    newer = [each for each in live if each.ordered_version > here]
    return max(newer, key=lambda release: release.ordered_version, default=None)


def news_since(installation: Installation, release: Release) -> list[Release]:
    """What was told of each version from the installation's to `release`, the newest first."""
    here = tuple(int(part) for part in installation.release_version.split("."))
    template = Template.objects.get(slug=installation.template_slug)
    return [each for each in template.told_of(up_to=release) if each.ordered_version > here]


def sentences(before: Json, after: Json, translate: Translate = str) -> list[str]:
    """What differs between two sound workflows, nodes that were only moved left out."""
    changes = compare(before, after).changes
    told = [sentence(change, translate) for change in changes if change.kind != "node_moved"]
    return told[:MOST_CHANGES]


def question(conflict: Conflict, translate: Translate = str) -> Question:
    return Question(
        key=conflict.key,
        text=conflict_sentence(conflict, translate),
        mine=_side(conflict, conflict.ours, translate),
        theirs=_side(conflict, conflict.theirs, translate),
        choice=conflict.choice,
        is_told_only=bool(conflict.path) and conflict.path[-1] == "lost",
    )


def _side(conflict: Conflict, value: Any, translate: Translate) -> str:
    """Empty where the sentence says all there is to say."""
    if conflict.kind == "connection" and isinstance(value, list):
        value = ", ".join(str(t["node"]) for t in value if isinstance(t, dict))
    elif conflict.kind == "node" or (conflict.kind == "parameter" and not conflict.path):
        return "" if value is not MISSING else "–"
    return shown(value, translate)


def _values_so_far(
    release: Release, installation: Installation, given: dict[str, Any]
) -> dict[str, Any]:
    try:
        return values_for(release, installation, given)
    except DomainError:
        names = {spec.name: spec.default for spec in release.terms.parameters}
        known = {n: v for n, v in installation.parameters.items() if n in names}
        return {n: v for n, v in {**names, **known}.items() if v is not None}
