"""What trials leave in sandboxes: there to be looked at, and taken away before anything else."""

from django.utils import timezone

from controlplane.catalog.models import Installation, Release
from controlplane.catalog.services import uninstall
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from tenants.context import inside
from tenants.models import Tenant

BY = system("trial of a release")
"""Who installs what is tried: what an earlier trial left is told by it."""


class TrialUnderWay(DomainError):
    code = "release_trial_under_way"
    status = 409
    title = "Its cases are running"


class DraftCloned(DomainError):
    code = "release_cloned"
    status = 409
    title = "The draft is cloned in a sandbox"


def require_no_trial(release: Release) -> None:
    """Raises TrialUnderWay."""
    if release.case_runs.under_way(at=timezone.now()).exists():
        raise TrialUnderWay(f"The cases of “{release}” are running. Wait until they ended.")


def clear_away() -> None:
    """What trials installed in the sandbox, of any template. Raises NoWorkspace, InstanceError."""
    for installation in Installation.objects.present().filter(installed_by=BY.label):
        uninstall(installation_id=installation.pk, by=BY)


def clear_away_everywhere(release: Release) -> None:
    """What trials of it left in any sandbox; nothing where somebody cloned it in one.

    Called outside of any tenant, in no transaction. Raises DraftCloned, NoWorkspace, InstanceError.
    """
    left = []
    for sandbox in Tenant.objects.active().filter(sandbox_of__isnull=False):
        with inside(sandbox):
            for found in Installation.objects.present().filter(release_id=release.pk):
                if found.installed_by != BY.label:
                    raise DraftCloned(f"“{found}” is cloned in “{sandbox}”. Remove it there first.")
                left.append((sandbox, found.pk))
    for sandbox, pk in left:
        with inside(sandbox):
            uninstall(installation_id=pk, by=BY)
