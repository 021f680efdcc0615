"""Bringing a release to one installation, or taking it back: the work of a rollout's lanes.

Called outside of any tenant; each place is entered for its own part only, and left before the
rollout's shared row is written.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.utils import timezone

from controlplane.catalog.models import Installation, Rollout, RolloutPlace, Upgrade
from controlplane.catalog.parameters import ParametersInvalid
from controlplane.catalog.rollouts import consent
from controlplane.catalog.rollouts.consent import Answer
from controlplane.catalog.trying.sandbox import carry_out_dry_run
from controlplane.catalog.upgrades.applying import STOPS, run_upgrade
from controlplane.catalog.upgrades.asking import (
    ConflictsOpen,
    EditedMeanwhile,
    UpgradeUnderWay,
    restore,
    retry_upgrade,
    upgrade,
)
from controlplane.catalog.upgrades.sides import look_at
from controlplane.core.actor import Actor, system
from controlplane.core.errors import DomainError
from controlplane.core.logs import get_logger
from controlplane.instances.client.errors import InstanceError
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from controlplane.workflow.canonical import workflow_hash
from tenants import lookup
from tenants.context import current_tenant, inside

T = TypeVar("T")
Status = RolloutPlace.Status
TRIES = 3
AGAIN_AFTER = timedelta(seconds=30)
NOBODY = uuid.UUID(int=0)
# What people of the tenant can settle, at the installation's own upgrade page.
FOR_PEOPLE = (*STOPS, ParametersInvalid)

log = get_logger(__name__)


def by_rollout(rollout: Rollout) -> Actor:
    return system(f"rollout {rollout.pk}, begun by {rollout.asked_by}")


def carry_out(rollout: Rollout, place: RolloutPlace) -> None:
    """What was claimed. Nothing that goes wrong at one place is raised: it stands on its row."""
    work = _take_back if place.status == Status.RETURNING else _bring
    waits_as = Status.BACK if place.status == Status.RETURNING else Status.WAITING
    place.claimed_until = None
    try:
        work(rollout, place)
    except ConflictsOpen as open_ones:
        place.conflicts = len(open_ones.errors)
        _settle(place, Status.HELD, open_ones.detail)
    except EditedMeanwhile as edited:
        _again_or(place, waits_as, Status.HELD, edited.detail)
    except InstanceError as error:
        _again_or(place, waits_as, Status.FAILED, error.detail)
    except FOR_PEOPLE as stopped:
        _settle(place, Status.HELD, stopped.detail)
    except DomainError as error:
        _settle(place, Status.FAILED, error.detail)
    except Exception as error:  # one place on its own: the others go on, and the gate counts it
        log.exception("rollout.place_failed", place_id=str(place.pk))
        _settle(place, Status.FAILED, f"Pergola stopped with {type(error).__name__}.")


def _bring(rollout: Rollout, place: RolloutPlace) -> None:
    by = by_rollout(rollout)
    found = _in_tenant(place, lambda: _installation(place.installation_id))
    if found is None:
        return _settle(place, Status.LEFT, "It was removed.")
    if found.release_id == rollout.release_id and place.upgrade_id is None:
        return _settle(place, Status.LEFT, "It has this release already.")
    if place.decision_id is None:
        answer, place.decision_id = _in_tenant(place, lambda: consent.ask(rollout, place, by))
        if answer != Answer.YES:
            return _settle(place, _AFTER[answer], "")
    noted = _in_tenant(place, lambda: _noted(rollout, place, by))
    place.upgrade_id = noted.pk
    place.save(update_fields=["upgrade_id", "decision_id", "updated_at"])
    done = _in_tenant(place, lambda: run_upgrade(noted.pk))
    if done.status != Upgrade.Status.DONE:
        place.conflicts = len(done.conflicts)
        if done.status == Upgrade.Status.STOPPED:
            # Edited between looking and writing: it is looked at anew, and not this one again.
            place.upgrade_id = None
            return _again_or(place, Status.WAITING, Status.HELD, done.error)
        return _again_or(place, Status.WAITING, Status.FAILED, done.error)
    place.hash_before = done.before.workflow_hash if done.before else ""
    place.hash_after, place.upgraded_at = done.expected_hash, timezone.now()
    place.conflicts = len(done.resolutions)
    if rollout.tries_cases:
        place.measures = {"cases_failed": _in_tenant(place, lambda: _cases_failed(place))}
    return _settle(place, Status.DONE, "")


_AFTER = {Answer.ASKED: Status.ASKED, Answer.NO: Status.DECLINED}


def _take_back(rollout: Rollout, place: RolloutPlace) -> None:
    by = by_rollout(rollout)
    found = _in_tenant(place, lambda: _installation(place.installation_id))
    if found is None:
        return _settle(place, Status.LEFT, "It was removed.")
    if found.release_id != rollout.release_id:
        return _settle(place, Status.RETURNED, "")
    done = _in_tenant(place, lambda: _returned(found, place, by))
    if done is None:
        return _settle(
            place,
            Status.EDITED,
            "It was edited in n8n since the upgrade, and that edit is kept. Restore an earlier "
            "version at the installation, or edit it there.",
        )
    if done.status != Upgrade.Status.DONE:
        return _again_or(place, Status.BACK, Status.FAILED, done.error)
    place.hash_returned = done.expected_hash
    return _settle(place, Status.RETURNED, "")


def _noted(rollout: Rollout, place: RolloutPlace, by: Actor) -> Upgrade:
    """The upgrade as it is to be run; one that an earlier try began is gone on with."""
    own = Upgrade.objects.filter(installation_id=place.installation_id)
    earlier = own.filter(pk=place.upgrade_id).first() if place.upgrade_id else None
    if earlier is not None and earlier.status == Upgrade.Status.FAILED:
        return retry_upgrade(
            installation_id=place.installation_id, upgrade_id=earlier.pk, by=by, in_worker=False
        )
    if earlier is not None and earlier.status != Upgrade.Status.STOPPED:
        return earlier
    try:
        return upgrade(
            installation_id=place.installation_id,
            release_id=rollout.release_id,
            take=rollout.take or None,  # type: ignore[arg-type]
            by=by,
            in_worker=False,
        )
    except UpgradeUnderWay:
        lost = own.under_way().filter(to_release_id=rollout.release_id, asked_by=by.label).first()
        if lost is None:
            raise
        return lost


def _returned(installation: Installation, place: RolloutPlace, by: Actor) -> Upgrade | None:
    """None where somebody edited the workflow since: what they did is not thrown away."""
    before = Upgrade.objects.select_related("before").get(pk=place.upgrade_id or NOBODY).before
    under_way = Upgrade.objects.under_way().filter(
        installation=installation, is_restore=True, asked_by=by.label
    )
    if (begun := under_way.first()) is not None:
        return run_upgrade(begun.pk)
    with client_for(Workspace.current()) as n8n:
        seen = look_at(installation, n8n)
    if workflow_hash(seen.sound) != place.hash_after:
        return None
    noted = restore(
        installation_id=installation.pk,
        snapshot_id=before.pk if before else NOBODY,
        by=by,
        in_worker=False,
    )
    return run_upgrade(noted.pk)


def _cases_failed(place: RolloutPlace) -> int:
    """In a sandbox, where the template's own cases may run."""

    if not current_tenant().is_sandbox:
        return 0
    carry_out_dry_run(place.installation_id)
    ran = Installation.objects.get(pk=place.installation_id).cases_ran
    return sum(not result["passed"] for result in ran.get("results", []))


def _installation(pk: uuid.UUID) -> Installation | None:
    return Installation.objects.present().filter(pk=pk).first()


def _in_tenant(place: RolloutPlace, work: Callable[[], T]) -> T:
    """Raises TenantUnknown for one that was suspended, or left."""
    with inside(lookup.tenant_by_schema(place.tenant.schema_name)):
        return work()


def _again_or(place: RolloutPlace, waits_as: str, status: str, why: str) -> None:
    place.attempts += 1
    if place.attempts >= TRIES:
        return _settle(place, status, why)
    place.status, place.error = waits_as, why
    place.claimed_until = timezone.now() + AGAIN_AFTER
    place.save()
    return None


def _settle(place: RolloutPlace, status: str, error: str) -> None:
    place.status, place.error = status, error
    place.save()
