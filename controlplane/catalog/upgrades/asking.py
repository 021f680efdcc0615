"""Asking for an upgrade or a restoration: checked and noted here, carried out by a worker."""

import uuid
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.catalog.choices import unknown_choices
from controlplane.catalog.deploy import require_version
from controlplane.catalog.models import Installation, Release, Snapshot, Upgrade
from controlplane.catalog.parameters import ParametersInvalid
from controlplane.catalog.services import get_installation
from controlplane.catalog.upgrades.planning import (
    Plan,
    plan_upgrade,
    question,
    remembered,
    together,
)
from controlplane.catalog.upgrades.sides import values_for
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.instances.models import Workspace
from controlplane.workflow.conflicts import Choice, Conflict


class ConflictsOpen(DomainError):
    """`errors` has the key of each conflict that nobody decided."""

    code = "upgrade_conflicts"
    status = 409
    title = "Tenant and release changed the same"


class EditedMeanwhile(DomainError):
    code = "workflow_edited_meanwhile"
    status = 409
    title = "The workflow was edited meanwhile"


class UpgradeUnderWay(DomainError):
    code = "upgrade_under_way"
    status = 409
    title = "Something is being written already"


class UpgradeUnknown(DomainError):
    code = "upgrade_unknown"
    status = 404
    title = "No such upgrade"


class SnapshotUnknown(DomainError):
    code = "snapshot_unknown"
    status = 404
    title = "No such version"


class RestoreNotPossible(DomainError):
    code = "restore_not_possible"
    status = 409
    title = "The version cannot be restored"


def upgrade(
    *,
    installation_id: uuid.UUID,
    release_id: uuid.UUID,
    seen: str = "",
    choices: dict[str, str] | None = None,
    take: Choice | None = None,
    parameters: dict[str, Any] | None = None,
    by: Actor,
    in_worker: bool = True,
) -> Upgrade:
    """Note an upgrade as somebody saw it planned, and have it carried out.

    `seen` is `plan.seen.mark` of what they looked at, `choices` and `take` as for `plan_upgrade`.
    The decisions are remembered, also where the upgrade then stops. Raises what `plan_upgrade`
    raises, ParametersInvalid, EditedMeanwhile, ConflictsOpen, N8nTooOld, UpgradeUnderWay; then
    nothing is written.
    """
    plan = plan_upgrade(
        installation_id=installation_id,
        release_id=release_id,
        choices=choices,
        take=take,
        parameters=parameters,
    )
    given = parameters or {}
    require_version(Workspace.current(), plan.release)
    _require_values(plan.release, plan.installation, given)
    if seen and seen != plan.seen.mark:
        raise edited_meanwhile(plan.installation)
    if not plan.merged.clean:
        raise conflicts_open(plan.merged.conflicts)
    with transaction.atomic():
        installation = Installation.objects.select_for_update().get(pk=installation_id)
        decided = _decided(plan)
        installation.resolutions = together(remembered(installation), decided)
        installation.save(update_fields=["resolutions", "updated_at"])
        noted = _noted(
            Upgrade(
                installation=installation,
                from_release_id=plan.before.pk,
                from_version=plan.before.version,
                to_release_id=plan.release.pk,
                to_version=plan.release.version,
                parameters=given,
                resolutions=[asdict(each) for each in decided],
                seen_version_id=plan.seen.found.version_id[:64],
                seen_mark=plan.seen.mark,
                asked_by=by.label,
            ),
            in_worker=in_worker,
        )
        _record("installation.upgrade_requested", noted, by, decisions=len(decided))
    return noted


@transaction.atomic
def restore(
    *, installation_id: uuid.UUID, snapshot_id: uuid.UUID, by: Actor, in_worker: bool = True
) -> Upgrade:
    """Note that an earlier version is to be put back, with its release and values.

    What n8n has then is kept first. Raises InstallationUnknown, SnapshotUnknown,
    RestoreNotPossible, UpgradeUnderWay.
    """
    snapshot = get_snapshot(installation_id, snapshot_id)
    installation = Installation.objects.select_for_update().get(pk=installation_id)
    require_restorable(installation)
    noted = _noted(
        Upgrade(
            installation=installation,
            is_restore=True,
            target=snapshot,
            from_release_id=installation.release_id,
            from_version=installation.release_version,
            to_release_id=snapshot.release_id,
            to_version=snapshot.release_version,
            asked_by=by.label,
        ),
        in_worker=in_worker,
    )
    _record("installation.restore_requested", noted, by, snapshot=str(snapshot.pk))
    return noted


@transaction.atomic
def retry_upgrade(
    *, installation_id: uuid.UUID, upgrade_id: uuid.UUID, by: Actor, in_worker: bool = True
) -> Upgrade:
    """Once more what failed, or what a worker left lying; it goes on where it stopped.

    Raises UpgradeUnknown, UpgradeUnderWay.
    """
    get_upgrade(installation_id, upgrade_id)
    found = Upgrade.objects.select_for_update().get(pk=upgrade_id)
    if found.may_be_retried(at=timezone.now()):
        found.status, found.error, found.ended_at = Upgrade.Status.WAITING, "", None
        _noted(found, in_worker=in_worker)
        _record("installation.upgrade_retried", found, by)
    return found


def get_upgrade(installation_id: uuid.UUID, upgrade_id: uuid.UUID) -> Upgrade:
    """Raises InstallationUnknown, UpgradeUnknown."""
    installation = get_installation(installation_id)
    found = installation.upgrades.select_related("before", "target").filter(pk=upgrade_id).first()
    if found is None:
        raise UpgradeUnknown(f"“{installation}” has no upgrade {upgrade_id}.")
    return found


def get_snapshot(installation_id: uuid.UUID, snapshot_id: uuid.UUID) -> Snapshot:
    """Raises InstallationUnknown, SnapshotUnknown."""
    installation = get_installation(installation_id)
    found = installation.snapshots.filter(pk=snapshot_id).first()
    if found is None:
        raise SnapshotUnknown(f"“{installation}” has no version {snapshot_id}.")
    return found


def require_restorable(installation: Installation) -> None:
    """An active one, or one whose workflow was deleted in n8n. Raises RestoreNotPossible."""
    status = Installation.Status
    if installation.status == status.ACTIVE:
        return
    if installation.status == status.FAILED and not installation.workflow_id:
        return
    raise RestoreNotPossible(
        f"“{installation}” is {installation.get_status_display().lower()}. An earlier version can "
        "be put back once it is active."
    )


def edited_meanwhile(installation: Installation) -> EditedMeanwhile:
    return EditedMeanwhile(
        f"“{installation.workflow_name}” was edited in n8n since you looked at this upgrade. "
        "Nothing was written. Look at it again: what you decided is kept."
    )


def conflicts_open(conflicts: Iterable[Conflict]) -> ConflictsOpen:
    asked = [question(conflict) for conflict in conflicts]
    return ConflictsOpen(
        "Decide first what is to stay: " + " ".join(each.text for each in asked[:10]),
        errors=tuple(FieldError(each.key, each.text) for each in asked),
    )


def _decided(plan: Plan) -> list[Any]:
    choices = {each.key: each.choice or "ours" for each in plan.merged.settled}
    return plan.resolutions({key: str(choice) for key, choice in choices.items()})


def _require_values(release: Release, installation: Installation, given: dict[str, Any]) -> None:
    """Raises ParametersInvalid, also for a value that names nothing in this tenant."""
    values = values_for(release, installation, given)
    fixed = [
        FieldError(spec.name, "cannot be changed once the template is installed")
        for spec in release.terms.parameters
        if not spec.changeable
        and spec.name in installation.parameters
        and values.get(spec.name) != installation.parameters[spec.name]
    ]
    if errors := [*fixed, *unknown_choices(release.terms, values)]:
        named = "; ".join(f"{error.field} {error.message}" for error in errors)
        raise ParametersInvalid(f"Correct and send again: {named}.", errors=tuple(errors))


def _noted(upgrade: Upgrade, *, in_worker: bool) -> Upgrade:
    try:
        with transaction.atomic():
            upgrade.save()
    except IntegrityError as error:
        raise UpgradeUnderWay(
            f"An upgrade or a restoration of “{upgrade.installation}” is under way. Wait until it "
            "has ended, and look again."
        ) from error
    if in_worker:
        enqueue_on_commit("catalog.upgrade", upgrade_id=str(upgrade.pk))
    return upgrade


def _record(action: str, upgrade: Upgrade, by: Actor, **data: Any) -> None:
    record(
        action=action,
        subject_type="installation",
        subject_id=str(upgrade.installation_id),
        data={
            "upgrade": str(upgrade.pk),
            "from": upgrade.from_version,
            "to": upgrade.to_version,
            **data,
        },
        by=by,
    )
