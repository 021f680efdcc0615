"""The dry run: a template's own cases in the sandbox where it is cloned."""

import uuid
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.catalog.models import Installation
from controlplane.catalog.services import get_installation
from controlplane.catalog.trying.running import run_cases
from controlplane.catalog.writing import write_parameters
from controlplane.core.actor import Actor, system
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from tenants.context import current_tenant

RUNNING, DONE = "running", "done"


class OnlyInSandbox(DomainError):
    code = "cases_only_in_sandbox"
    status = 409
    title = "Cases run in a sandbox only"


@transaction.atomic
def start_dry_run(*, installation_id: uuid.UUID, by: Actor) -> Installation:
    """Have the cases run; each brings events in. Raises InstallationUnknown, OnlyInSandbox."""
    installation = get_installation(installation_id)
    if not current_tenant().is_sandbox:
        raise OnlyInSandbox(
            "The cases bring in orders, invoices or tickets of their own. Clone the template in "
            "your sandbox, and run them there."
        )
    _keep(installation, state=RUNNING, results=[])
    enqueue_on_commit("catalog.run_cases", installation_id=str(installation.pk))
    record(
        action="installation.cases_started",
        subject_type="installation",
        subject_id=str(installation.pk),
        data={"template": installation.template_slug, "version": installation.release_version},
        by=by,
    )
    return installation


def carry_out_dry_run(installation_id: uuid.UUID) -> None:
    """By a worker, in no transaction. The parameters of the installation stand again afterwards."""
    installation = get_installation(installation_id)
    before, results = installation.parameters, list[dict[str, Any]]()
    tenant = current_tenant()

    def tell(result: Any) -> None:
        results.append(asdict(result))
        _keep(installation, state=RUNNING, results=results)

    try:
        run_cases(
            installation.release(), ground=lambda case: tenant, by=system("dry run"), progress=tell
        )
    finally:
        Installation.objects.filter(pk=installation.pk).update(parameters=before)
        write_parameters(installation.pk)
        _keep(installation, state=DONE, results=results)


def _keep(installation: Installation, *, state: str, results: list[dict[str, Any]]) -> None:
    installation.cases_ran = {
        "state": state, "results": results, "at": timezone.now().isoformat(),
    }  # fmt: skip
    installation.save(update_fields=["cases_ran", "updated_at"])
