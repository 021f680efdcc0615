"""What a release has to show before it goes live: its cases, or where none is possible a reason."""

from dataclasses import dataclass
from enum import StrEnum

from controlplane.catalog.manifest import FAILED_RUN
from controlplane.catalog.models import CaseRun, Release
from controlplane.catalog.needs import events_and_scopes
from controlplane.catalog.workflow import handles_errors


class Shown(StrEnum):
    PASSED = "passed"
    MISSING = "missing"
    """It has no cases though it could, or they never ran for it as it is now."""
    FAILED = "failed"
    IMPOSSIBLE = "impossible"
    """It begins with nothing that a case brings: a schedule, a form, another system's message."""


@dataclass(frozen=True)
class Proof:
    """`told` is empty where its cases passed for it as it is now."""

    shown: Shown
    told: str = ""


def proof_of(release: Release) -> Proof:
    """The one rule: where a case is possible, its cases pass; where none is, a person says why."""
    if not release.cases and not case_starts(release):
        return Proof(
            Shown.IMPOSSIBLE,
            f"“{release}” begins with nothing that a case could bring. Clone it in a sandbox, look "
            "at a run of it, and say in the note why it may go live.",
        )
    if not release.cases:
        return Proof(Shown.MISSING, f"“{release}” has no cases. Add one that shows what it does.")
    run = last_run(release)
    if run is None:
        return Proof(
            Shown.MISSING,
            f"The cases of “{release}” never ran for it as it is now. Try it in a sandbox.",
        )
    if run.failed:
        return Proof(
            Shown.FAILED,
            f"{run.failed} of {run.failed + run.passed} cases of “{release}” failed. Mend it or "
            "its cases, and try it again.",
        )
    return Proof(Shown.PASSED)


def case_starts(release: Release) -> set[str]:
    """The events by which a case can start it: what it declares, and what its nodes listen to."""
    own, _scopes = events_and_scopes(release.workflow)
    failed = {FAILED_RUN} if handles_errors(release.workflow) else set()
    return {*release.terms.events, *own, *failed}


def last_run(release: Release) -> CaseRun | None:
    """Of its cases, for the release as it is now; one that is under way is none yet."""
    return release.case_runs.ended().filter(digest=release.digest).first()
