"""Templates go to the sandbox by being cloned there, with production's parameters."""

from controlplane.catalog.models import Installation
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

    Raises ParametersInvalid where the sandbox has another release that does not take them.
    """
    with inside(production):
        theirs = list(Installation.objects.present())
    with inside(sandbox):
        for each in theirs:
            ours = Installation.objects.present().filter(template_slug=each.template_slug).first()
            if ours is None:
                install(release_id=each.release_id, parameters=each.parameters, by=by)
            elif ours.parameters != each.parameters:
                change_parameters(installation_id=ours.pk, parameters=each.parameters, by=by)
