"""The three sides of an upgrade: the release that it was made of, what n8n has, the new release."""

import uuid
from dataclasses import dataclass
from typing import Any

from controlplane.catalog.models import Installation, Release
from controlplane.catalog.parameters import filled
from controlplane.catalog.places import with_values
from controlplane.catalog.workflow import CREDENTIAL, OURS, for_tenant
from controlplane.core.errors import DomainError
from controlplane.instances.client import N8nClient
from controlplane.instances.client.errors import NotFound
from controlplane.instances.client.workflows import WRITABLE, Workflow
from controlplane.instances.models import Workspace
from controlplane.workflow.canonical import fingerprint
from controlplane.workflow.reading import read_one
from controlplane.workflow.shapes import Json
from tenants.environments.marks import marked_name


class WorkflowGone(DomainError):
    code = "workflow_gone"
    status = 409
    title = "The workflow is not in n8n any more"


class WorkflowArchived(DomainError):
    code = "workflow_archived"
    status = 409
    title = "The workflow is archived in n8n"


@dataclass(frozen=True)
class Seen:
    """A workflow as n8n has it, and the same made sound; `mark` changes with what it does."""

    found: Workflow
    sound: Json
    mark: str

    @property
    def is_published(self) -> bool:
        """Whether what runs is what stands there: edits may be saved and not published."""
        found = self.found
        return found.active and found.active_version_id in ("", found.version_id)


def seen_in(workflow: Workflow) -> Seen:
    """Raises WorkflowUnreadable."""
    sound = read_one(workflow.raw).workflow
    return Seen(workflow, sound, fingerprint(kept(workflow.raw)))


def look_at(installation: Installation, n8n: N8nClient) -> Seen:
    """Raises WorkflowGone, WorkflowArchived, WorkflowUnreadable, InstanceError."""
    try:
        if not installation.workflow_id:
            raise gone(installation)
        found = n8n.get_workflow(installation.workflow_id)
    except NotFound as error:
        raise gone(installation) from error
    if found.is_archived:
        raise WorkflowArchived(
            f"“{installation.workflow_name}” was archived in n8n. Unarchive it there, and try "
            "again; or remove the installation."
        )
    return seen_in(found)


def gone(installation: Installation) -> WorkflowGone:
    return WorkflowGone(
        f"“{installation.workflow_name}” was deleted in n8n. Restore one of its earlier versions, "
        "or press “Try again” at the installation to have it made anew from the release."
    )


def kept(raw: Json) -> Json:
    """The part of n8n's answer that is worth keeping and that n8n takes back; no pinned data."""
    return {key: raw[key] for key in WRITABLE if key != "pinData" and raw.get(key) is not None}


def deployed(installation: Installation, release: Release) -> Json:
    """The release as it was put into n8n for this tenant."""
    return _made(installation, release, installation.parameters_written)


def wanted(installation: Installation, release: Release, values: dict[str, Any]) -> Json:
    """The release as it would be put into n8n for this tenant with these values."""
    return _made(installation, release, values)


def _made(installation: Installation, release: Release, values: dict[str, Any]) -> Json:
    workspace = Workspace.current()
    workflow = for_tenant(
        with_values(release.workflow, release.terms, values),
        name=installation.workflow_name,
        credential_id=installation.credential_id,
        credential_name=credential_name(installation, workspace),
    )
    return read_one(workflow).workflow


def credential_name(installation: Installation, workspace: Workspace) -> str:
    return workspace.workflow_name(marked_name(installation.credential_name))


def with_credential(workflow: Json, installation: Installation) -> Json:
    """A copy whose nodes of ours have the installation's credential of now."""
    name = credential_name(installation, Workspace.current())
    given = {CREDENTIAL: {"id": installation.credential_id, "name": name}}
    nodes = [
        {**node, "credentials": given} if str(node.get("type", "")).startswith(OURS) else node
        for node in workflow["nodes"]
    ]
    return {**workflow, "nodes": nodes}


def values_for(
    release: Release, installation: Installation, given: dict[str, Any]
) -> dict[str, Any]:
    """The installation's values for this release: its own, those given, defaults of new ones.

    Raises ParametersInvalid where the release asks for one that nobody gave.
    """
    names = {spec.name for spec in release.terms.parameters}
    carried = {name: value for name, value in installation.parameters.items() if name in names}
    return filled(release.terms, {**carried, **given})


def release_of(release_id: uuid.UUID) -> Release | None:
    return Release.objects.select_related("template").filter(pk=release_id).first()
