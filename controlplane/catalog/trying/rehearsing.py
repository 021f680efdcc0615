"""Trying a template in the sandbox before it is cloned into production, from production's page.

What somebody filled in goes there as a sandbox may have it (`catalog.redacted`); the cases bring
their own events. Called inside the production tenant; only its own sandbox is entered.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from controlplane.catalog import services
from controlplane.catalog.models import Installation, Release
from controlplane.catalog.redacted import for_sandbox, names_of
from controlplane.catalog.trying.sandbox import start_dry_run
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from tenants import lookup
from tenants.context import current_tenant, inside, outside
from tenants.models import Tenant


class NoSandbox(DomainError):
    code = "sandbox_not_there"
    status = 409
    title = "There is no sandbox to try it in"


class OtherReleaseThere(DomainError):
    code = "sandbox_has_other_release"
    status = 409
    title = "The sandbox has another release of it"


def rehearse(*, release: Release, parameters: dict[str, Any], by: Actor) -> None:
    """Clone it into the sandbox, or give the one that is there these values, and run its cases.

    Workers do the rest. Raises NoSandbox, OtherReleaseThere, ParametersInvalid.
    """
    terms, values = release.terms, services.chosen_values(release, parameters)
    named = names_of(terms, values)
    with _in_sandbox(current_tenant()) as sandbox:
        found = Installation.objects.present().filter(template_slug=release.template.slug).first()
        if found is not None and found.release_id != release.pk:
            raise OtherReleaseThere(
                f"In “{sandbox}” “{found}” is installed. Upgrade or remove it there, and try again."
            )
        values = for_sandbox(terms, values, named=named, own=found.parameters if found else {})
        if found is None:
            found = services.install(release_id=release.pk, parameters=values, by=by)
        elif found.parameters != values:
            found = services.change_parameters(installation_id=found.pk, parameters=values, by=by)
        start_dry_run(installation_id=found.pk, by=by)


def rehearsed(slug: str) -> Installation | None:
    """The template's installation in the sandbox, with `cases_ran`; None where there is none."""
    try:
        with _in_sandbox(current_tenant()):
            return Installation.objects.present().filter(template_slug=slug).first()
    except NoSandbox:
        return None


def sandbox_of(production: Tenant) -> Tenant | None:
    """The one that answers, with what is asked of its shared rows inside."""
    with outside():
        found = Tenant.objects.active().filter(sandbox_of=production).first()
    return lookup.tenant_by_schema(found.schema_name) if found else None


@contextmanager
def _in_sandbox(production: Tenant) -> Iterator[Tenant]:
    sandbox = sandbox_of(production)
    if sandbox is None:
        raise NoSandbox(
            f"“{production}” has no sandbox. Make one on its sandbox page, or clone at once."
        )
    with outside(), inside(sandbox):
        yield sandbox
