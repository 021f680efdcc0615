"""Templates go to the sandbox by being cloned there, with those values that it may have."""

from controlplane.audit.services import record
from controlplane.catalog.models import Installation
from controlplane.catalog.parameters import ParametersInvalid
from controlplane.catalog.redacted import for_sandbox, names_of
from controlplane.catalog.services import change_parameters, install
from controlplane.core.actor import Actor
from tenants.context import inside
from tenants.environments.rules import ByService, Never, declare, declare_action
from tenants.models import Tenant

GROUP = "templates"


def declare_all() -> None:
    declare("catalog.Installation", ByService(GROUP))
    for model in ("Snapshot", "Upgrade"):
        declare(f"catalog.{model}", Never("about production's own workflow in n8n"))
    declare_action(GROUP, copy_templates)


def copy_templates(*, production: Tenant, sandbox: Tenant, by: Actor) -> None:
    """What production has installed, in the same release; workflow and key are the sandbox's own.

    One that lacks something there, such as a connection of its own, is left out; the sandbox's
    audit trail names it, and the parameters at fault.
    """
    with inside(production):
        theirs = [
            (each, names_of(each.release().terms, each.parameters))
            for each in Installation.objects.present()
        ]
    with inside(sandbox):
        for each, named in theirs:
            try:
                _copy(each, named, by)
            except ParametersInvalid as error:
                record(
                    action="installation.not_copied",
                    subject_type="tenant",
                    subject_id=str(sandbox.pk),
                    data={
                        "template": each.template_slug,
                        "parameters": [fault.field for fault in error.errors],
                    },
                    by=by,
                )


def _copy(theirs: Installation, named: dict[str, str], by: Actor) -> None:
    """Raises ParametersInvalid, also where another release is there that does not take them."""
    ours = Installation.objects.present().filter(template_slug=theirs.template_slug).first()
    values = for_sandbox(
        theirs.release().terms, theirs.parameters, named=named, own=ours.parameters if ours else {}
    )
    if ours is None:
        install(release_id=theirs.release_id, parameters=values, by=by)
    elif ours.parameters != values:
        change_parameters(installation_id=ours.pk, parameters=values, by=by)
