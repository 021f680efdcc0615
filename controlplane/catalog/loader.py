"""From a folder of workflow-templates/ to a release."""

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

import yaml
from django.db import transaction

from controlplane.catalog.checks import release_faults
from controlplane.catalog.manifest import SLUG, Case, Manifest
from controlplane.catalog.models import Release, Template
from controlplane.catalog.workflow import handles_errors
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.shapes import Json

PICTURE = re.compile(r"^!\[[^\]]*\]\(workflow\.svg\)\n+", re.MULTILINE)


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
    case_files: dict[str, str]
    """Documents that cases name, in base64, by their path in `cases/`."""

    @property
    def stored_cases(self) -> Json:
        return {name: case.model_dump(mode="json") for name, case in self.cases.items()}


def read_folder(folder: Path) -> Folder:
    """Read and validate. Raises TemplateInvalid with every fault found."""
    try:
        manifest = Manifest.model_validate(
            yaml.safe_load((folder / "template.yaml").read_text(encoding="utf-8"))
        )
        workflow = json.loads((folder / "workflow.json").read_text(encoding="utf-8"))
        # Pages and the gallery draw the workflow themselves.
        readme = PICTURE.sub("", (folder / "README.md").read_text(encoding="utf-8"))
        cases = {
            path.stem: Case.model_validate_json(path.read_text(encoding="utf-8"))
            for path in sorted((folder / "cases").glob("*.json"))
        }
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise TemplateInvalid(f"{folder.name}: {error}") from error
    found = [] if re.match(SLUG, folder.name) else ["the folder is not called <verb>-<object>"]
    if not manifest.events and not handles_errors(workflow):
        found.append("it listens to no event")
    found += [f.message for f in release_faults(manifest, workflow, cases, is_ours=True)]
    if found:
        raise TemplateInvalid(f"{folder.name}: {'; '.join(found)}")
    files = {
        str(path.relative_to(folder / "cases")): b64encode(path.read_bytes()).decode()
        for path in sorted((folder / "cases").rglob("*"))
        if path.is_file() and path.suffix != ".json"
    }
    return Folder(folder.name, manifest, workflow, readme, cases, files)


@transaction.atomic
def load_folder(folder: Path) -> tuple[Release, bool]:
    """The release of the folder's version, and whether it is new.

    Raises TemplateInvalid, or VersionTaken where that version was loaded with other content.
    """
    read = read_folder(folder)
    template, _created = Template.objects.get_or_create(
        slug=read.slug,
        defaults={"title": read.manifest.title, "summary": read.manifest.summary},
    )
    if template.owner_id is not None:
        raise TemplateInvalid(f"{read.slug}: this is the name of a template of {template.owner}")
    template.title, template.summary = read.manifest.title, read.manifest.summary
    template.save(update_fields=["title", "summary", "updated_at"])
    digest = workflow_hash(read.workflow)
    known = template.releases.filter(version=read.manifest.version).first()
    if known is not None:
        if known.workflow_hash != digest or known.terms != read.manifest:
            raise VersionTaken(
                f"{read.slug} {read.manifest.version} is released already with other content. "
                "Raise `version` in template.yaml."
            )
        if (known.cases, known.case_files) != (read.stored_cases, read.case_files):
            # They try the release and are no part of what is installed.
            known.cases, known.case_files = read.stored_cases, read.case_files
            known.save(update_fields=["cases", "case_files", "updated_at"])
        return known, False
    by = system("templates")
    release = template.releases.create(
        version=read.manifest.version,
        manifest=read.manifest.model_dump(mode="json"),
        workflow=read.workflow,
        workflow_hash=digest,
        readme=read.readme,
        notes=read.manifest.notes,
        author=by.label,
        cases=read.stored_cases,
        case_files=read.case_files,
    )
    release.note_step(Release.Status.LIVE, by=by.label, note="Loaded from workflow-templates/.")
    return release, True


def load_all(root: Path) -> list[tuple[Release, bool]]:
    """Every folder that has a template.yaml, in order of name."""
    return [load_folder(manifest.parent) for manifest in sorted(root.glob("*/template.yaml"))]
