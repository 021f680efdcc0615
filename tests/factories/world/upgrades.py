"""An upgrade of the installation, and a version from before."""

from pathlib import Path
from tempfile import TemporaryDirectory

from controlplane.catalog.models import Installation, Snapshot, Upgrade
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from controlplane.workflow.canonical import workflow_hash
from tests.factories.installations import workflow
from tests.factories.upgrades import make_later_release
from tests.factories.world import Part


def part(url: str) -> Part:
    installation = Installation.objects.get()
    with TemporaryDirectory() as folder:
        later = make_later_release(Path(folder))
    with client_for(Workspace.current()) as n8n:
        workflow_id = n8n.create_workflow(workflow()).id
    installation.status, installation.workflow_id = Installation.Status.ACTIVE, workflow_id
    installation.save()
    known = {"release_id": installation.release_id, "release_version": "1.0.0"}
    flow = workflow() | {"name": "Below the breakwater"}
    snapshot = Snapshot.objects.create(
        installation=installation, why="upgrade", workflow=flow, workflow_hash=workflow_hash(flow),
        taken_by="Ada Lovelace", **known,
    )  # fmt: skip
    upgrade = Upgrade.objects.create(
        installation=installation, from_release_id=installation.release_id, from_version="1.0.0",
        to_release_id=later.pk, to_version="2.0.0", asked_by="Ada Lovelace",
        status=Upgrade.Status.FAILED,
    )  # fmt: skip
    return Part(
        rows={"snapshot_id": snapshot.pk, "upgrade_id": upgrade.pk},
        secrets={"breakwater"},
    )
