"""From somebody's export to drafts: cleaned, with what it needs, and parameters to confirm."""

import re
import uuid
from collections import Counter
from collections.abc import Collection
from typing import Any

from django.db import transaction

from controlplane.catalog import releases, schedules
from controlplane.catalog.manifest import Manifest, ParameterSpec, Use
from controlplane.catalog.models import Release, Template
from controlplane.catalog.needs import events_and_scopes
from controlplane.catalog.parameters import unfit_default
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.workflow.importer.importing import import_export
from controlplane.workflow.importer.proposals import proposals
from controlplane.workflow.importer.result import Imported, Proposal
from controlplane.workflow.shapes import Json
from tenants.models import Partner

N8N_MINIMUM = "1.0.0"
MOST = 50


class TooMany(DomainError):
    code = "import_too_many"
    status = 422
    title = "The export holds too many workflows"


def import_workflows(
    *,
    source: bytes | str,
    owner: Partner | None,
    by: Actor,
    template: Template | None = None,
    title: str = "",
    version: str = "",
) -> list[Release]:
    """A draft of each workflow of the export; of `template` where one is given.

    Raises WorkflowUnreadable, TooMany, ReleaseInvalid, VersionExists; then nothing was imported.
    """
    found = import_export(source)
    if len(found) > (1 if template else MOST):
        raise TooMany(
            f"It holds {len(found)} workflows. "
            + ("Export the one that is the new version." if template else f"Up to {MOST} are read.")
        )
    with transaction.atomic():
        return [
            _draft(each, owner, template, title if len(found) == 1 else "", version, by)
            for each in found
        ]


def _draft(
    imported: Imported,
    owner: Partner | None,
    template: Template | None,
    title: str,
    version: str,
    by: Actor,
) -> Release:
    manifest = manifest_of(imported, template=template, title=title, version=version)
    return releases.create_draft(
        template=template,
        owner=owner,
        manifest=manifest,
        workflow=imported.workflow,
        readme=f"# {manifest.title}\n",
        findings=_findings(imported),
        by=by,
    )


def manifest_of(
    imported: Imported, *, template: Template | None = None, title: str = "", version: str = ""
) -> Manifest:
    """What the draft of an imported workflow says of itself; its parameters are for people."""
    name = str(imported.workflow["name"])
    events, scopes = events_and_scopes(imported.workflow)
    return Manifest(
        title=(title or (template.title if template else name)).strip()[:120] or name[:120],
        events=events,
        scopes=scopes,
        version=version or _next_version(template),
        summary=template.summary if template else name[:500],
        n8n_minimum=N8N_MINIMUM,
        connections=[need.label for need in imported.connections],
        packages=[need.name for need in imported.packages if not need.built_in],
    )


def _next_version(template: Template | None) -> str:
    versions = [each.ordered_version for each in template.releases.all()] if template else []
    if not versions:
        return "1.0.0"
    major, minor, _patch = max(versions)
    return f"{major}.{minor + 1}.0"


def _findings(imported: Imported) -> dict[str, Any]:
    """For people; never what was removed, which may be a secret."""
    return {
        "removed": dict(sorted(Counter(r.kind for r in imported.removals).items())),
        "not_carried": [_noted(note) for note in imported.not_carried],
        "notes": [_noted(note) for note in imported.notes][:200],
        "connections": [
            {"type": c.type, "label": c.label, "nodes": list(c.nodes)} for c in imported.connections
        ],
        "packages": [
            {"name": p.name, "built_in": p.built_in, "types": list(p.types)}
            for p in imported.packages
        ],
    }


def _noted(note: Any) -> dict[str, str]:
    return {"node": note.node, "field": note.field, "message": note.message}


def proposed(release: Release) -> list[ParameterSpec]:
    """Hard-coded values that ought to be parameters and are none yet, for a person to confirm."""
    if release.status != Release.Status.DRAFT:
        return []
    return offered(release.workflow, release.terms.parameters)


def offered(workflow: Json, known: Collection[ParameterSpec] = ()) -> list[ParameterSpec]:
    """What a workflow's hard-coded values would be as parameters, beside those there are."""
    taken = {_place(use) for spec in known for use in spec.uses}
    names = {spec.name for spec in known}
    found = []
    for proposal in proposals(workflow):
        spec = _spec(proposal, names)
        if not {_place(use) for use in spec.uses} & taken:
            names.add(spec.name)
            found.append(spec)
    return found


def _place(use: Use) -> tuple[Any, ...]:
    return use.node, *use.path


def _spec(proposal: Proposal, names: set[str]) -> ParameterSpec:
    """Without a default where no parameter of ours can hold the value."""
    name, number = proposal.name, 2
    while name in names:
        name, number = f"{proposal.name[:36]}_{number}", number + 1
    default = proposal.default
    if proposal.type == "schedule":
        default = schedules.from_n8n(proposal.value)
    elif default is not None:
        default = str(default)
    uses = []
    for use in proposal.uses:
        path = list(use.path[2:]) if use.node else list(use.path)
        uses.append(Use(node=use.node, path=path, part=None if use.whole else str(proposal.value)))
    spec = ParameterSpec(
        name=name, type=proposal.type, label=proposal.label, default=default, uses=uses
    )
    return spec.model_copy(update={"default": None}) if unfit_default(spec) else spec


def confirm(
    *, release_id: uuid.UUID, names: Collection[str], labels: dict[str, str], by: Actor
) -> Release:
    """Make parameters of these proposals, each with the label that a person gave it.

    Raises ReleaseUnknown, ReleaseFrozen, ReleaseInvalid.
    """
    release = releases.get_release(release_id)
    known = {spec.name: spec for spec in proposed(release)}
    if unknown := sorted(set(names) - set(known)):
        raise releases.ReleaseInvalid(
            "These are proposed no longer. Look at the proposals again.",
            errors=tuple(FieldError(name, "is not proposed") for name in unknown),
        )
    chosen = [
        spec.model_copy(update={"label": labels.get(name, "").strip()[:120] or spec.label})
        for name, spec in known.items()
        if name in names
    ]
    manifest = release.terms
    manifest = manifest.model_copy(update={"parameters": [*manifest.parameters, *chosen]})
    return releases.change_draft(release_id=release_id, manifest=manifest, by=by)


def is_version(text: str) -> bool:
    return re.fullmatch(r"\d{1,5}\.\d{1,5}\.\d{1,5}", text) is not None
