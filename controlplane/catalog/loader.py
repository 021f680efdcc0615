"""From a folder of workflow-templates/ to a release."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import yaml
from django.db import transaction

from controlplane.catalog.manifest import SLUG, Case, Manifest
from controlplane.catalog.models import Release, Template
from controlplane.catalog.parameters import ParametersInvalid, filled, unfit_defaults
from controlplane.catalog.workflow import faults
from controlplane.core.errors import DomainError
from controlplane.events.types import EVENT_TYPES
from controlplane.nodes.registry import all_operations
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.shapes import Json


class TemplateInvalid(DomainError):
    code = "template_invalid"
    status = 422
    title = "The template cannot be loaded"


class VersionTaken(DomainError):
    code = "release_version_taken"
    status = 409
    title = "This version was released with other content"


@dataclass(frozen=True)
class Folder:
    slug: str
    manifest: Manifest
    workflow: Json
    readme: str
    cases: dict[str, Case]


def read_folder(folder: Path) -> Folder:
    """Read and validate. Raises TemplateInvalid with every fault found."""
    try:
        manifest = Manifest.model_validate(
            yaml.safe_load((folder / "template.yaml").read_text(encoding="utf-8"))
        )
        workflow = json.loads((folder / "workflow.json").read_text(encoding="utf-8"))
        readme = (folder / "README.md").read_text(encoding="utf-8")
        cases = {
            path.stem: Case.model_validate_json(path.read_text(encoding="utf-8"))
            for path in sorted((folder / "cases").glob("*.json"))
        }
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise TemplateInvalid(f"{folder.name}: {error}") from error
    if found := [*_faults(folder.name, manifest, workflow), *_case_faults(manifest, cases)]:
        raise TemplateInvalid(f"{folder.name}: {'; '.join(found)}")
    return Folder(folder.name, manifest, workflow, readme, cases)


def _faults(slug: str, manifest: Manifest, workflow: Json) -> list[str]:
    known_scopes = {operation.scope for operation in all_operations()} | {"events:subscribe"}
    found = [*faults(workflow), *unfit_defaults(manifest)]
    if not re.match(SLUG, slug):
        found.append("the folder is not called <verb>-<object>")
    found += [f"event {name!r} is not known" for name in manifest.events if name not in EVENT_TYPES]
    found += [
        f"scope {s!r} belongs to no operation" for s in manifest.scopes if s not in known_scopes
    ]
    return found


def _case_faults(manifest: Manifest, cases: dict[str, Case]) -> list[str]:
    found = []
    for name, case in cases.items():
        if case.event.type not in manifest.events:
            found.append(f"case {name!r} brings {case.event.type!r}, which it does not listen to")
        try:
            filled(manifest, case.parameters)
        except ParametersInvalid as error:
            found.append(f"case {name!r}: {error.detail}")
    return found


@transaction.atomic
def load_folder(folder: Path) -> tuple[Release, bool]:
    """The release of the folder's version, and whether it is new.

    Raises TemplateInvalid, or VersionTaken where that version was loaded with other content.
    """
    read = read_folder(folder)
    template, _created = Template.objects.update_or_create(
        slug=read.slug,
        defaults={"title": read.manifest.title, "summary": read.manifest.summary},
    )
    digest = workflow_hash(read.workflow)
    known = template.releases.filter(version=read.manifest.version).first()
    if known is not None:
        if known.workflow_hash != digest or known.terms != read.manifest:
            raise VersionTaken(
                f"{read.slug} {read.manifest.version} is released already with other content. "
                "Raise `version` in template.yaml."
            )
        return known, False
    release = template.releases.create(
        version=read.manifest.version,
        manifest=read.manifest.model_dump(mode="json"),
        workflow=read.workflow,
        workflow_hash=digest,
        readme=read.readme,
    )
    return release, True


def load_all(root: Path) -> list[tuple[Release, bool]]:
    """Every folder that has a template.yaml, in order of name."""
    return [load_folder(manifest.parent) for manifest in sorted(root.glob("*/template.yaml"))]
