"""Running a release's cases, one after the other.

The processes of Pergola and n8n must be up: an event goes out by the relay, n8n fetches it from the
web server, and nothing here stands in for either.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from controlplane.audit.services import record
from controlplane.catalog.deploy import deploy
from controlplane.catalog.manifest import FAILED_RUN, Case
from controlplane.catalog.models import CaseRun, Installation, Release
from controlplane.catalog.releases import read_cases
from controlplane.catalog.services import change_parameters, install
from controlplane.catalog.trying.failing import SETTLED, CaseFailed, handled_failure
from controlplane.catalog.trying.given import named, provide
from controlplane.catalog.trying.reading import Actual, read_execution
from controlplane.catalog.trying.sending import send
from controlplane.catalog.writing import write_parameters
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.events.models import Event
from controlplane.instances.client.errors import InstanceError
from controlplane.instances.models import NoWorkspace, Workspace
from controlplane.instances.services import client_for
from tenants.context import inside
from tenants.models import Tenant

ENDS_WITHIN = 60.0


class NotDeployed(CaseFailed):
    code = "case_not_deployed"
    title = "The template could not be set up for the case"


NOT_THE_RELEASE = (InstanceError, NoWorkspace, NotDeployed)
"""What says nothing of the release: it breaks a trial off, and counts for nothing (ADR 0037)."""


@dataclass(frozen=True)
class CaseResult:
    name: str
    title: str
    passed: bool
    expected: dict[str, Any]
    actual: dict[str, Any]
    error: str
    seconds: float


def run_cases(
    release: Release,
    *,
    ground: Callable[[Case], Tenant],
    by: Actor,
    progress: Callable[[CaseResult], None] = lambda result: None,
    is_trial: bool = False,
) -> list[CaseResult]:
    """Each case in the tenant that `ground` gives for it, where the release is cloned.

    A case that is to be `alone` wants a tenant in which no other was before; elsewhere what came
    before may change it. A case that cannot be carried out fails with the reason; a trial raises
    InstanceError, NoWorkspace and NotDeployed instead. Called outside of any tenant.
    """
    results = []
    for name, case in read_cases(release.cases).items():
        started = time.monotonic()
        actual, error = Actual(), ""
        try:
            with inside(ground(case)):
                actual = _carry_out(release, case, by)
            error = actual.error
        except DomainError as refused:
            if is_trial and isinstance(refused, NOT_THE_RELEASE):
                raise
            error = refused.detail
        # A case is kept where everybody reads it: no more of what came than it asks for. A trial is
        # kept outside of the tenant: of that, no more than what its case had said already.
        told = differences(case, actual, withheld=is_trial)
        shown = _met(case, actual) if is_trial else _asked(case, actual)
        result = CaseResult(
            name=name,
            title=case.title,
            passed=not error and not told,
            expected=case.expected.model_dump(mode="json"),
            actual=asdict(replace(actual, last=shown)),
            error=error or "; ".join(told),
            seconds=round(time.monotonic() - started, 2),
        )
        progress(result)
        results.append(result)
    return results


def note_run(
    release: Release,
    results: list[CaseResult],
    *,
    n8n_version: str,
    by: Actor,
    run: CaseRun | None = None,
) -> CaseRun:
    """Kept for the release as it is now, or as it was when `run` began: by this it may go live.

    Called outside of any tenant.
    """
    run = run or CaseRun(release=release, digest=release.digest, ran_by=by.label)
    run.n8n_version = n8n_version
    run.status = CaseRun.Status.ENDED
    keep_results(run, results)
    record(
        action="release.tested",
        subject_type="release",
        subject_id=str(release.pk),
        data={"passed": run.passed, "failed": run.failed, "n8n": n8n_version},
        by=by,
    )
    return run


def keep_results(run: CaseRun, results: list[CaseResult]) -> None:
    run.passed = sum(result.passed for result in results)
    run.failed = len(results) - run.passed
    run.results = [asdict(result) for result in results]
    run.save()


def differences(case: Case, actual: Actual, *, withheld: bool = False) -> list[str]:
    """In sentences; empty where all came as expected. `withheld`: without what came of data."""
    wanted = case.expected
    found = []
    if actual.verdict != wanted.verdict:
        expected = wanted.verdict or "none"
        found.append(f"the verdict is {actual.verdict or 'missing'} instead of {expected}")
    if sorted(actual.reasons) != sorted(wanted.reasons):
        told = ", ".join(actual.reasons) or "none"
        found.append(f"the reasons are {told} instead of {', '.join(wanted.reasons) or 'none'}")
    if wanted.calls and actual.calls != wanted.calls:
        found.append(f"the calls are {', '.join(actual.calls)}, not {', '.join(wanted.calls)}")
    if wanted.outcome and actual.outcome != wanted.outcome:
        found.append(f"the run is {actual.outcome} instead of {wanted.outcome}")
    found += [
        f"{name} is {'something else' if withheld else value} instead of {wanted.last[name]}"
        for name, value in _asked(case, actual).items()
        if value != wanted.last[name]
    ]
    return found


def _asked(case: Case, actual: Actual) -> dict[str, Any]:
    return {name: actual.last.get(name) for name in case.expected.last}


def _met(case: Case, actual: Actual) -> dict[str, Any]:
    asked = _asked(case, actual)
    return {name: value for name, value in asked.items() if value == case.expected.last[name]}


def _carry_out(release: Release, case: Case, by: Actor) -> Actual:
    # First: a parameter may name a connection that the case brings along.
    provide(case.given, by=by)
    installation = _installed(release, named(release.terms, case.parameters), by)
    if case.event.type == FAILED_RUN:
        with client_for(Workspace.current()) as n8n:
            return read_execution(handled_failure(case, installation, n8n), release.workflow)
    event = send(case, release.case_files, by=by)
    return _followed(event, installation, release)


def _installed(release: Release, parameters: dict[str, Any], by: Actor) -> Installation:
    """Raises CaseFailed, NotDeployed where it is not active afterwards, or not with the values."""
    found = Installation.objects.present().filter(template_slug=release.template.slug).first()
    if found is not None and found.release_id != release.pk:
        raise CaseFailed(f"“{found}” stands in the way; remove it, or try in another sandbox.")
    if found is None:
        found = install(release_id=release.pk, parameters=parameters, by=by, is_trial=True)
    elif found.parameters != parameters:
        found = change_parameters(installation_id=found.pk, parameters=parameters, by=by)
        found = write_parameters(found.pk)
        is_written = found.parameters_written == found.parameters
        if found.status == Installation.Status.ACTIVE and not is_written:
            raise NotDeployed(found.last_error)
    found = deploy(found.pk)
    deadline = time.monotonic() + ENDS_WITHIN
    # A worker of its own may be at it.
    while found.status == Installation.Status.DEPLOYING and time.monotonic() < deadline:
        time.sleep(0.1)
        found.refresh_from_db()
    if found.status != Installation.Status.ACTIVE:
        raise NotDeployed(found.last_error or f"“{found}” is {found.get_status_display()}.")
    return found


def _followed(event: Event, installation: Installation, release: Release) -> Actual:
    """Raises CaseFailed where no run of n8n comes to rest in time, InstanceError."""
    deadline = time.monotonic() + ENDS_WITHIN
    with client_for(Workspace.current()) as n8n:
        while time.monotonic() < deadline:
            event.refresh_from_db()
            if event.execution_id:
                execution = n8n.get_execution(event.execution_id, with_data=True)
                if execution.status in SETTLED:
                    return read_execution(execution, release.workflow)
            time.sleep(0.1)
        # An n8n that went down meanwhile says so now: that no run began is then not the case's.
        n8n.get_workflow(installation.workflow_id)
    state = "it started no run" if not event.execution_id else "its run has not ended"
    raise CaseFailed(f"After {ENDS_WITHIN:.0f} seconds {state}; are worker and relay running?")
