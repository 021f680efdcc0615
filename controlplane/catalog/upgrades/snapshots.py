"""Keeping a workflow as it is before something is written over it."""

from typing import Any

from controlplane.catalog.models import Installation, Snapshot
from controlplane.catalog.upgrades.sides import Seen, kept, release_of
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.reading import WorkflowUnreadable, read_one
from controlplane.workflow.shapes import Json


def take_snapshot(installation: Installation, seen: Seen, *, why: str, by: str) -> Snapshot:
    """What n8n has now, with release and values as the installation has them."""
    return _keep(installation, seen.found.raw, seen.sound, why=why, by=by)


def keep_last_seen(installation: Installation, *, by: str) -> Snapshot | None:
    """Of a workflow that is gone, as it was last seen; None where it was never seen."""
    if not installation.workflow_seen:
        return None
    try:
        sound = read_one(installation.workflow_seen).workflow
    except WorkflowUnreadable:
        return None
    return _keep(installation, installation.workflow_seen, sound, why=Snapshot.Why.GONE, by=by)


def _keep(installation: Installation, raw: Json, sound: Json, *, why: str, by: str) -> Snapshot:
    return Snapshot.objects.create(
        installation=installation,
        why=why,
        workflow=kept({**raw, **sound}),
        workflow_hash=workflow_hash(sound),
        n8n_version_id=str(raw.get("versionId") or "")[:64],
        release_id=installation.release_id,
        release_version=installation.release_version,
        parameters=_standing(installation),
        parameters_written=installation.parameters_written,
        taken_by=by,
    )


def _standing(installation: Installation) -> dict[str, Any]:
    """The values that it runs with, which one that is not written yet is none of."""
    release, written = release_of(installation.release_id), installation.parameters_written
    uses = [spec.name for spec in release.terms.parameters if spec.uses] if release else []
    return {**installation.parameters, **{n: written[n] for n in uses if n in written}}
