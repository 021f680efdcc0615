"""A tenant's workflows in a backup, and its place on an n8n after one was restored."""

import json
import re
from collections.abc import Iterator

from controlplane.core.actor import Actor
from controlplane.instances.models import Instance, Workspace
from controlplane.instances.services.workspaces import (
    STEP,
    bind_to_own_instance,
    client_for,
    unbind_tenant,
)
from tenants.context import current_tenant, inside, outside
from tenants.models import Tenant
from tenants.provisioning import say_of_step

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")


def collect_workflows() -> Iterator[tuple[str, bytes]]:
    """Each workflow as n8n has it. Credentials are named in it, their secrets n8n tells nobody.

    Raises InstanceError.
    """
    workspace = Workspace.objects.first()
    if workspace is None or not workspace.is_ready:
        return
    with client_for(workspace) as n8n:
        # A member sees its own only; elsewhere the tag says whose they are.
        tag = "" if workspace.is_member else workspace.tag
        for workflow in n8n.list_workflows(tag=tag):
            text = json.dumps(workflow.raw, ensure_ascii=False, sort_keys=True)
            yield _NO_NAME.sub("_", workflow.id)[:80], text.encode()


def find_workspace_again(tenant: Tenant, by: Actor) -> None:
    """The workspace that was restored where its n8n is registered here too; else a new one.

    A copy under another name gets a new one in any case: the other is the original's.
    """
    with inside(tenant):
        workspace = Workspace.objects.first()
    if workspace is not None:
        known = Instance.objects.serving(tenant)
        instance = (
            known.filter(pk=workspace.instance_id).first()
            or known.filter(base_url=workspace.base_url).first()
        )
        with inside(tenant):
            if instance is None or workspace.prefix != tenant.slug:
                workspace.delete()
            else:
                workspace.instance_id = instance.pk
                workspace.save(update_fields=["instance_id", "updated_at"])
    say_of_step(tenant, STEP, bind_to_own_instance(tenant, by))


def leave_instance(by: Actor) -> None:
    """Give up the entered tenant's workspace, if its n8n is known. Raises InstanceError."""
    tenant, workspace = current_tenant(), Workspace.objects.first()
    if workspace is None:
        return
    with outside():
        instance = Instance.objects.filter(pk=workspace.instance_id).first()
        if instance is not None:
            unbind_tenant(tenant=tenant, instance=instance, by=by)
