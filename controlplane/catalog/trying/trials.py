"""A draft's cases in a sandbox, had by its owner's people: with them it may go live.

Releases are shared rows: all of this is called outside of any tenant, and enters the sandbox.
"""

import time
import uuid

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.catalog.models import CaseRun, Installation, Release
from controlplane.catalog.services import get_release
from controlplane.catalog.trying.leftovers import BY, TrialUnderWay, clear_away, require_no_trial
from controlplane.catalog.trying.rehearsing import OtherReleaseThere
from controlplane.catalog.trying.running import CaseResult, keep_results, note_run, run_cases
from controlplane.catalog.trying.sandbox import OnlyInSandbox
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from controlplane.instances.models import Workspace
from tenants.access import tenants_opened
from tenants.context import inside
from tenants.models import Member, Partner, Tenant
from tenants.permissions import Permission

log = get_logger(__name__)
# A worker is everybody's: cases that wait for what never comes are not to keep it.
LONGEST_SECONDS = 15 * 60


class NothingToTry(DomainError):
    code = "release_without_cases"
    status = 409
    title = "It has no cases to try"


class TrialTooLong(DomainError):
    code = "release_trial_too_long"
    status = 409
    title = "The trial took too long"


class DraftChanged(DomainError):
    code = "release_changed_meanwhile"
    status = 409
    title = "The draft was changed meanwhile"


def sandboxes_for(owner: Partner, seat: Member) -> list[Tenant]:
    """Of the customers that `owner` works for, by name: where the person in `seat` may clone."""
    found = Tenant.objects.active().filter(sandbox_of__engagements__partner=owner)
    theirs = [pk for pk in found.values_list("sandbox_of", flat=True) if pk is not None]
    opened = tenants_opened(Permission.INSTALLATIONS, seat, theirs)
    return list(found.filter(sandbox_of__in=opened).prefetch_related("domains").order_by("name"))


def begin_trial(*, release_id: uuid.UUID, sandbox: Tenant, by: Actor) -> CaseRun:
    """Have a worker carry out the cases of the release as it is now.

    One at a time for a release and in a sandbox: the same events would start both. Raises
    ReleaseUnknown, OnlyInSandbox, NothingToTry, TrialUnderWay, OtherReleaseThere.
    """
    release = get_release(release_id)
    if not sandbox.is_sandbox:
        raise OnlyInSandbox(f"“{sandbox}” is no sandbox: cases act as customers would.")
    if not release.cases:
        raise NothingToTry(f"“{release}” has no cases. Write one first, on the draft's page.")
    _require_none_under_way(release, sandbox)
    with inside(sandbox):
        _require_free(release, sandbox)
    with transaction.atomic():
        Release.objects.select_for_update().get(pk=release.pk)
        # What points to the tenant may be written meanwhile.
        Tenant.objects.select_for_update(no_key=True).get(pk=sandbox.pk)
        _require_none_under_way(release, sandbox)
        run = CaseRun.objects.create(
            release=release,
            digest=release.digest,
            status=CaseRun.Status.RUNNING,
            sandbox=sandbox,
            passed=0,
            failed=0,
            results=[],
            ran_by=by.label,
        )
        enqueue_on_commit("catalog.try_release", case_run_id=str(run.pk))
        record(
            action="release.trial_begun",
            subject_type="release",
            subject_id=str(release.pk),
            data={
                "template": release.template.slug,
                "version": release.version,
                "sandbox": sandbox.slug,
            },
            by=by,
        )
    return run


def carry_out_trial(run_id: uuid.UUID) -> None:
    """By a worker, in no transaction. One that is not running any more is left alone.

    The draft is cloned anew, as it is now. Where all passed it is taken away again; what failed
    stays, for people to look at in n8n, until the next trial in that sandbox.
    """
    found = CaseRun.objects.filter(pk=run_id).first()
    if found is None:
        return
    # A worker that was given up may be at it still, or the message have come twice.
    with alone("catalog.trial", str(found.sandbox_id)):
        runs = CaseRun.objects.select_related("release__template", "sandbox")
        run = runs.filter(pk=run_id, status=CaseRun.Status.RUNNING).first()
        if run is not None:
            _carry_out_or_break_off(run)


def break_off_lost() -> None:
    """What no worker carries out any more, so that nobody waits for it."""
    now = timezone.now()
    CaseRun.objects.lost(at=now).update(
        status=CaseRun.Status.BROKEN,
        error="No worker has told anything for a while. Try it again; if it stays so, the worker's "
        "log says more.",
        updated_at=now,
    )


def _carry_out_or_break_off(run: CaseRun) -> None:
    try:
        _carry_out(run)
    except DomainError as error:
        _break_off(run, error.detail)
    except Exception as error:
        _break_off(
            run,
            f"Pergola stopped with {type(error).__name__}. Try again; if it stays so, the worker's "
            "log says more.",
        )
        raise


def _carry_out(run: CaseRun) -> None:
    release, sandbox = run.release, run.sandbox
    if sandbox is None:
        raise OnlyInSandbox("The sandbox is not there any more. Choose another one.")
    _require_same(release, run)
    with inside(sandbox):
        clear_away()
        _require_free(release, sandbox)
    results: list[CaseResult] = []
    ends_by = time.monotonic() + LONGEST_SECONDS

    def tell(result: CaseResult) -> None:
        results.append(result)
        keep_results(run, results)
        if time.monotonic() > ends_by and len(results) < len(release.cases):
            raise TrialTooLong(
                f"After {LONGEST_SECONDS // 60} minutes only {len(results)} of "
                f"{len(release.cases)} cases had ended. Look why they are so slow, or try fewer."
            )

    run_cases(release, ground=lambda case: sandbox, by=BY, progress=tell, is_trial=True)
    _require_same(get_release(release.pk), run)
    with inside(sandbox):
        version = Workspace.current().n8n_version
        if all(result.passed for result in results):
            clear_away()
    note_run(release, results, n8n_version=version, by=BY, run=run)


def _require_none_under_way(release: Release, sandbox: Tenant) -> None:
    """Raises TrialUnderWay."""
    require_no_trial(release)
    if CaseRun.objects.under_way(at=timezone.now()).filter(sandbox=sandbox).exists():
        raise TrialUnderWay(
            f"In “{sandbox}” the cases of another release are running, and their events would "
            f"start “{release}” too. Wait until they ended, or choose another sandbox."
        )


def _require_same(release: Release, run: CaseRun) -> None:
    """Raises DraftChanged."""
    if release.digest != run.digest:
        raise DraftChanged(f"“{release}” was changed meanwhile. Try it again as it is now.")


def _require_free(release: Release, sandbox: Tenant) -> None:
    """Raises OtherReleaseThere where somebody cloned the template there."""
    slug = release.template.slug
    found = Installation.objects.present().filter(template_slug=slug)
    if stands := found.exclude(installed_by=BY.label).first():
        raise OtherReleaseThere(
            f"In “{sandbox}” “{stands}” is installed, and both would be started by the same "
            "events. Remove it there, or choose another sandbox."
        )


def _break_off(run: CaseRun, why: str) -> None:
    log.warning("release.trial_broken_off", run_id=str(run.pk), why=why)
    run.status, run.error = CaseRun.Status.BROKEN, why
    run.save(update_fields=["status", "error", "updated_at"])
