"""Writing an upgrade or an earlier version into n8n; a rerun goes on where one stopped.

Each step is committed before the next begins: first the snapshot and the hash of what is to come,
then n8n, then installation and audit entry together. A worker that dies in between leaves a row by
which the next one knows whether n8n has it already.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.catalog.deploy import ensure_credential, longest_wait, require_version
from controlplane.catalog.models import Installation, Release, Snapshot, Upgrade
from controlplane.catalog.places import differs
from controlplane.catalog.services import get_release, lock_of
from controlplane.catalog.upgrades.asking import (
    ConflictsOpen,
    EditedMeanwhile,
    RestoreNotPossible,
    UpgradeUnknown,
    conflicts_open,
    edited_meanwhile,
    require_restorable,
)
from controlplane.catalog.upgrades.drift import note_gone
from controlplane.catalog.upgrades.planning import (
    UpgradeNotPossible,
    planned,
    question,
    require_possible,
)
from controlplane.catalog.upgrades.sides import (
    Seen,
    WorkflowArchived,
    WorkflowGone,
    look_at,
    values_for,
    with_credential,
)
from controlplane.catalog.upgrades.snapshots import take_snapshot
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from controlplane.instances.client import N8nClient
from controlplane.instances.client.errors import InstanceRefused
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.shapes import Json
from tenants.keys import change_scopes_of

BY = system("upgrade")
# What trying again does not help against: somebody has to look.
STOPS = (
    ConflictsOpen, EditedMeanwhile, RestoreNotPossible, UpgradeNotPossible, WorkflowArchived,
    WorkflowGone,
)  # fmt: skip

log = get_logger(__name__)


class NotWhatWasWritten(DomainError):
    code = "workflow_not_as_written"
    status = 502
    title = "n8n has something else than what was written"


def run_upgrade(upgrade_id: uuid.UUID) -> Upgrade:
    """Carry it out. What fails stands on the row for people to read. Called in no transaction.

    Raises UpgradeUnknown.
    """
    found = Upgrade.objects.filter(pk=upgrade_id).first()
    if found is None:
        raise UpgradeUnknown(f"This tenant has no upgrade {upgrade_id}.")
    with alone(*lock_of(found.installation_id)):
        upgrade = Upgrade.objects.select_related("installation", "before", "target").get(
            pk=upgrade_id
        )
        if not upgrade.is_under_way:
            return upgrade
        _save(upgrade, status=Upgrade.Status.RUNNING, error="", attempts=upgrade.attempts + 1)
        try:
            with client_for(Workspace.current()) as n8n:
                if upgrade.is_restore:
                    _restore(upgrade, n8n)
                else:
                    _upgrade(upgrade, n8n)
        except STOPS as stopped:
            if isinstance(stopped, WorkflowGone):
                note_gone(upgrade.installation)
            _end(upgrade, Upgrade.Status.STOPPED, stopped.detail)
        except DomainError as error:
            _end(upgrade, Upgrade.Status.FAILED, error.detail)
        except Exception as error:
            _end(
                upgrade,
                Upgrade.Status.FAILED,
                f"Pergola stopped with {type(error).__name__}. Try again; if it stays so, the "
                "worker's log says more.",
            )
            raise
    return upgrade


def _upgrade(upgrade: Upgrade, n8n: N8nClient) -> None:
    installation, release = upgrade.installation, get_release(upgrade.to_release_id)
    require_possible(installation, release)
    require_version(Workspace.current(), release)
    ensure_credential(installation, release, Workspace.current(), n8n)
    values_for(release, installation, upgrade.parameters)
    plan = planned(installation, release, n8n, {}, None, upgrade.parameters)
    seen = plan.seen
    if _arrived(upgrade, seen):
        return _finish(upgrade, release, seen, n8n)
    if upgrade.seen_mark != seen.mark and upgrade.expected_hash != workflow_hash(seen.sound):
        raise edited_meanwhile(installation)
    if not plan.merged.clean:
        upgrade.conflicts = [
            {"key": each.key, "text": question(each).text} for each in plan.merged.conflicts
        ]
        raise conflicts_open(plan.merged.conflicts)
    _save(upgrade, step=Upgrade.Step.READ)
    expected = workflow_hash(plan.merged.workflow)
    upgrade.values = plan.values
    _keep(upgrade, seen, expected, why=Snapshot.Why.UPGRADE, is_active=seen.found.active)
    after = _write(upgrade, release, plan.merged.workflow, expected, n8n)
    return _finish(upgrade, release, after, n8n)


def _restore(upgrade: Upgrade, n8n: N8nClient) -> None:
    installation, target = upgrade.installation, upgrade.target
    release = get_release(upgrade.to_release_id)
    require_restorable(installation)
    if target is None:
        raise RestoreNotPossible("That version is not kept any more. Choose another one.")
    workspace = Workspace.current()
    ensure_credential(installation, release, workspace, n8n)
    workflow = with_credential(target.workflow, installation)
    is_gone = False
    try:
        seen = look_at(installation, n8n)
    except WorkflowGone:
        is_gone = True
        _make_again(installation, workflow, workspace, n8n)
        seen = look_at(installation, n8n)
    if _arrived(upgrade, seen):
        return _finish(upgrade, release, seen, n8n)
    _save(upgrade, step=Upgrade.Step.READ)
    upgrade.values = target.parameters_written
    _keep(
        upgrade,
        seen,
        target.workflow_hash,
        why=Snapshot.Why.RESTORE,
        is_active=is_gone or seen.found.active,
    )
    pinned = seen.found.raw.get("pinData")
    if isinstance(pinned, dict):
        names = {node["name"] for node in workflow["nodes"]}
        workflow["pinData"] = {name: data for name, data in pinned.items() if name in names}
    after = _write(upgrade, release, workflow, target.workflow_hash, n8n)
    return _finish(upgrade, release, after, n8n)


def _arrived(upgrade: Upgrade, seen: Seen) -> bool:
    """Whether a worker that died had already written it."""
    if not upgrade.expected_hash or upgrade.before is None:
        return False
    is_changed = workflow_hash(seen.sound) != upgrade.before.workflow_hash
    return is_changed and workflow_hash(seen.sound) == upgrade.expected_hash


def _make_again(
    installation: Installation, workflow: Json, workspace: Workspace, n8n: N8nClient
) -> None:
    """A workflow that was deleted in n8n; one that an earlier try made is found by its name.

    The row learns of it at the end: until then a rerun finds it in the same way.
    """
    name = installation.workflow_name or workflow["name"]
    earlier = n8n.list_workflows(name_prefix=name)
    made = earlier[0] if earlier else n8n.create_workflow({**workflow, "name": name})
    installation.workflow_id, installation.workflow_name = made.id, name
    if workspace.tag:
        n8n.tag_workflow(made.id, workspace.tag)


def _keep(upgrade: Upgrade, seen: Seen, expected: str, *, why: str, is_active: bool) -> None:
    """The way back is committed before n8n is written to; once for what n8n has now."""
    with transaction.atomic():
        if upgrade.before is None or upgrade.before.workflow_hash != workflow_hash(seen.sound):
            upgrade.before = take_snapshot(upgrade.installation, seen, why=why, by=upgrade.asked_by)
            upgrade.was_active = is_active
        _save(
            upgrade,
            step=Upgrade.Step.KEPT,
            before=upgrade.before,
            was_active=upgrade.was_active,
            expected_hash=expected,
            values=upgrade.values,
        )


def _write(
    upgrade: Upgrade, release: Release, workflow: Json, expected: str, n8n: N8nClient
) -> Seen:
    installation = upgrade.installation
    with _scopes_of_both(installation, release):
        n8n.update_workflow(installation.workflow_id, workflow)
    _save(upgrade, step=Upgrade.Step.WRITTEN)
    after = look_at(installation, n8n)
    if workflow_hash(after.sound) != expected:
        raise NotWhatWasWritten(
            f"“{installation.workflow_name}” is not what Pergola wrote: somebody saved it at the "
            "same moment, or n8n changed it. Look at the upgrade again, or restore the version "
            "from before."
        )
    return after


@contextmanager
def _scopes_of_both(installation: Installation, release: Release) -> Iterator[None]:
    """While n8n changes over, the key may do what either release needs.

    Where n8n refused, the old one goes on and the key is as before; where it gave no answer, the
    new one may be at work.
    """
    before = installation.release().terms.scopes
    _let(installation, {*before, *release.terms.scopes})
    try:
        yield
    except InstanceRefused:
        _let(installation, set(before))
        raise


def _let(installation: Installation, scopes: set[str]) -> None:
    change_scopes_of(installation_id=installation.pk, scopes=sorted(scopes), by=BY)


def _finish(upgrade: Upgrade, release: Release, seen: Seen, n8n: N8nClient) -> None:
    """Published again where n8n did not do that; then installation, key and trail at once."""
    installation = upgrade.installation
    if upgrade.was_active and not seen.is_published:
        _let(installation, {*installation.release().terms.scopes, *release.terms.scopes})
        n8n.activate_workflow(installation.workflow_id, wait=longest_wait(release))
        seen = look_at(installation, n8n)
    _save(upgrade, step=Upgrade.Step.CHECKED)
    with transaction.atomic():
        held = Installation.objects.select_for_update().get(pk=installation.pk)
        target = upgrade.target if upgrade.is_restore else None
        # Somebody may have changed values meanwhile: those count, and are written next.
        held.parameters = (
            target.parameters if target else values_for(release, held, upgrade.parameters)
        )
        held.parameters_written = upgrade.values
        held.release_id, held.release_version = release.pk, release.version
        held.template_title = release.template.title
        held.workflow_id, held.workflow_name = installation.workflow_id, seen.found.name[:128]
        held.workflow_seen, held.seen_at = seen.found.raw, timezone.now()
        held.status, held.last_error = Installation.Status.ACTIVE, ""
        held.save()
        if differs(release.terms, held.parameters_written, held.parameters):
            enqueue_on_commit("catalog.write_parameters", installation_id=str(held.pk))
        _let(held, set(release.terms.scopes))
        _end(upgrade, Upgrade.Status.DONE, "")
        record(
            action="installation.version_restored"
            if upgrade.is_restore
            else "installation.upgraded",
            subject_type="installation",
            subject_id=str(held.pk),
            data={
                "upgrade": str(upgrade.pk),
                "from": upgrade.from_version,
                "to": upgrade.to_version,
                "workflow_id": held.workflow_id,
                "hash": workflow_hash(seen.sound),
                "hash_before": upgrade.before.workflow_hash if upgrade.before else "",
                "decisions": len(upgrade.resolutions),
                "asked_by": upgrade.asked_by,
            },
            by=BY,
        )
    log.info("installation.upgraded", installation_id=str(held.pk), version=release.version)


def _end(upgrade: Upgrade, status: str, error: str) -> None:
    if error:
        log.warning("upgrade.ended", upgrade_id=str(upgrade.pk), status=status)
    _save(
        upgrade,
        status=status,
        error=error,
        ended_at=timezone.now(),
        conflicts=upgrade.conflicts if error else [],
    )


def _save(upgrade: Upgrade, **changes: object) -> None:
    for name, value in changes.items():
        setattr(upgrade, name, value)
    upgrade.save(update_fields=[*changes, "updated_at"])
