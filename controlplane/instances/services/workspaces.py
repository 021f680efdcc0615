"""Giving each tenant its place on an n8n, and taking it away."""

import hashlib
import secrets

import httpx
from django.db import transaction

from controlplane.audit import services as audit
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from controlplane.instances import members
from controlplane.instances.client import N8nClient
from controlplane.instances.client.errors import KeyRejected, NotFound
from controlplane.instances.client.transport import TRIES
from controlplane.instances.client.workflows import TAG_LENGTH
from controlplane.instances.models import Instance, Workspace
from tenants.context import inside
from tenants.models import Tenant
from tenants.provisioning import say_of_step
from tenants.residency import record_refusal

log = get_logger(__name__)

STEP = "n8n workspace"
"""Of provisioning. What stands beside it, shared, says that a tenant has none: only inside of each
tenant could one look otherwise."""
NOT_BOUND = "Not bound"


class InstanceNotForTenant(DomainError):
    code = "instance_not_for_tenant"
    status = 409
    title = "The n8n instance does not serve this tenant"


class InstanceElsewhere(DomainError):
    code = "instance_in_other_region"
    status = 409
    title = "The n8n instance stands in another region"


class WorkspaceElsewhere(DomainError):
    code = "workspace_elsewhere"
    status = 409
    title = "The tenant has a workspace on another n8n instance"


def bind_tenant(*, tenant: Tenant, instance: Instance, by: Actor, project_id: str = "") -> None:
    """Give the tenant a workspace there, or finish, refresh or confirm the one that it has.

    Called in the shared schema and in no transaction: each step is kept before the next begins, so
    that a rerun goes on where a crash left off. On an n8n that we started the tenant gets a member
    of its own with a key and a personal project; on one that was brought, a tag and a prefix, and
    `project_id` where that n8n has Projects. Raises InstanceNotForTenant, InstanceElsewhere,
    WorkspaceElsewhere, MemberUnusable, InstanceError.
    """
    if not instance.belongs_to(tenant):
        raise InstanceNotForTenant(
            f"{instance} belongs to {instance.partner or instance.tenant}, which is neither "
            f"{tenant} nor the partner that leads it. Choose another instance."
        )
    _assert_in_region(tenant, instance, by)
    # Two would each take away the key that the other just made.
    with alone("instances.bind_tenant", str(tenant.pk)):
        workspace = _begin_workspace(tenant, instance)
        was_ready = workspace.is_ready
        if instance.is_ours:
            _become_member(tenant, instance, workspace)
        else:
            with owner_client(instance) as n8n:
                n8n.get_or_create_tag(workspace.tag)
            workspace.api_key = instance.owner_key
            workspace.project_id = project_id or workspace.project_id or instance.project_id
        with inside(tenant), transaction.atomic():
            workspace.save()
            if not was_ready:
                _record("workspace.bound", workspace, by)
    say_of_step(tenant, STEP, "")
    log.info("tenant bound", tenant=tenant.slug, instance=instance.name, by=by.label)


def bind_to_own_instance(tenant: Tenant, by: Actor) -> str:
    """Provisioning's step: the instance it is on already, else its own, else its partner's.

    One of another region is passed over, and the tenant's trail says so. Returns why the tenant is
    bound to none, for whoever looks at the step; empty where it is bound.
    """
    with inside(tenant):
        workspace = Workspace.objects.first()
    known = Instance.objects.serving(tenant)
    instance = known.filter(pk=workspace.instance_id).first() if workspace else known.first()
    if instance is not None:
        bind_tenant(tenant=tenant, instance=instance, by=by)
        return ""
    if workspace is not None:
        return (
            f"{NOT_BOUND} to what serves it: its workspace is at {workspace.base_url}, which is "
            "none of its own or its partner's in its region. Unbind it there, then provision again."
        )
    passed_over = list(Instance.objects.of(tenant))
    for each in passed_over:
        # It goes on without n8n: the tenant is there, and is bound when it has an instance.
        _refuse(tenant, each, by)
    if passed_over:
        names = ", ".join(str(each) for each in passed_over)
        return (
            f"{NOT_BOUND}: {names} stands in another region than “{tenant.region}”. Register an "
            "n8n of that region, then provision again."
        )
    return (
        f"{NOT_BOUND}: neither the tenant nor the partner that leads it has an n8n. Register one, "
        "then provision again."
    )


def unbind_tenant(*, tenant: Tenant, instance: Instance, by: Actor) -> None:
    """Take the workspace away. Uninstall what the catalog deployed first.

    A member goes with all its workflows and credentials. On a brought n8n the tenant's workflows
    are unpublished and stay, since they are its owner's. Raises WorkspaceElsewhere, InstanceError.
    """
    with inside(tenant):
        workspace = Workspace.objects.first()
    if workspace is None:
        return
    _assert_there(workspace, tenant, instance)
    if workspace.is_member:
        remove_member(instance, workspace)
    else:
        with owner_client(instance, project_id=workspace.project_id) as n8n:
            for workflow in n8n.list_workflows(tag=workspace.tag):
                n8n.deactivate_workflow(workflow.id)
    with inside(tenant), transaction.atomic():
        _record("workspace.unbound", workspace, by)
        workspace.delete()
    say_of_step(
        tenant, STEP, f"{NOT_BOUND}: its workspace was taken away. Provision again for one."
    )
    log.info("tenant unbound", tenant=tenant.slug, instance=instance.name, by=by.label)


def client_for(
    workspace: Workspace, *, tries: int = TRIES, transport: httpx.BaseTransport | None = None
) -> N8nClient:
    """n8n as the tenant may use it: `with client_for(Workspace.current()) as n8n:`.

    One try is enough for a caller that is itself called again.
    """
    return N8nClient(
        workspace.base_url,
        workspace.api_key,
        project_id=workspace.project_id,
        tries=tries,
        transport=transport,
    )


def _begin_workspace(tenant: Tenant, instance: Instance) -> Workspace:
    """The row, with names and password settled before n8n hears of them."""
    with inside(tenant):
        workspace = Workspace.objects.first()
        if workspace is None:
            workspace = Workspace(
                instance_id=instance.pk,
                prefix=tenant.slug,
                tag=tag_of(tenant.slug, is_sandbox=tenant.is_sandbox),
            )
            if instance.is_ours:
                # The id makes it a new person when a tenant is made anew under an old name.
                workspace.member_email = (
                    f"{tenant.slug}-{tenant.pk.hex[-8:]}@members.pergola.invalid"
                )
                workspace.member_password = f"Pg1{secrets.token_urlsafe(32)}"
        _assert_there(workspace, tenant, instance)
        # An instance may have moved to another port or host since.
        workspace.base_url, workspace.webhook_base_url = instance.base_url, instance.webhook_base
        workspace.editor_base_url = instance.editor_base
        workspace.n8n_version = instance.version
        workspace.save()
    return workspace


def _become_member(tenant: Tenant, instance: Instance, workspace: Workspace) -> None:
    if workspace.is_ready:
        try:
            with client_for(workspace) as n8n:
                n8n.call("GET", "/workflows", doing="use the API key", params={"limit": "1"})
            return
        except KeyRejected:
            log.warning("the member's key is gone: making another", tenant=tenant.slug)
    with owner_client(instance) as owner:
        membership = members.ensure_member(
            owner=owner,
            email=workspace.member_email,
            password=workspace.member_password,
            first_name=tenant.name,
            last_name="(Pergola)",
        )
    workspace.member_id = membership.user_id
    workspace.api_key, workspace.project_id = membership.api_key, membership.project_id


def remove_member(instance: Instance, workspace: Workspace) -> None:
    """n8n deletes no user who has published workflows, so these go first."""
    with owner_client(instance, project_id=workspace.project_id) as n8n:
        if workspace.project_id:
            for workflow in n8n.list_workflows():
                n8n.delete_workflow(workflow.id)
        try:
            n8n.delete_user(n8n.get_user(workspace.member_email).id)
        except NotFound:
            return


def _record(action: str, workspace: Workspace, by: Actor) -> None:
    audit.record(
        action=action,
        subject_type="workspace",
        subject_id=str(workspace.pk),
        data={"instance_id": str(workspace.instance_id), "base_url": workspace.base_url},
        by=by,
    )


def _assert_there(workspace: Workspace, tenant: Tenant, instance: Instance) -> None:
    if workspace.instance_id != instance.pk:
        raise WorkspaceElsewhere(
            f"{tenant} has its workspace at {workspace.base_url}. Unbind it there before binding "
            f"it to {instance}."
        )


def _assert_in_region(tenant: Tenant, instance: Instance, by: Actor) -> None:
    if not instance.is_in_region_of(tenant):
        _refuse(tenant, instance, by)
        raise InstanceElsewhere(
            f"{tenant} must stay in region “{tenant.region}”, and {instance} stands in "
            f"{f'“{instance.region}”' if instance.region else 'none that is known'}. Choose an "
            "instance of that region, or fill in the instance's region if it stands there."
        )


def _refuse(tenant: Tenant, instance: Instance, by: Actor) -> None:
    log.warning(
        "instance refused: other region",
        tenant=tenant.slug,
        tenant_region=tenant.region,
        instance=instance.name,
        region=instance.region,
    )
    record_refusal(
        tenant=tenant, what=f"n8n instance {instance.name}", region=instance.region, by=by
    )


def owner_client(instance: Instance, *, project_id: str = "") -> N8nClient:
    """n8n as its owner may use it: every tenant's things at once, so not inside of one."""
    return N8nClient(instance.base_url, instance.owner_key, project_id=project_id)


def tag_of(slug: str, *, is_sandbox: bool = False) -> str:
    """`pergola:<slug>`, or its beginning and a hash: n8n's tags have at most 24 characters.

    That of a sandbox says so at its beginning, which is never cut off.
    """
    tag = f"sandbox:{slug}" if is_sandbox else f"pergola:{slug}"
    if len(tag) <= TAG_LENGTH:
        return tag
    digest = hashlib.sha256(slug.encode()).hexdigest()[:6]
    return f"{tag[: TAG_LENGTH - 7]}-{digest}"
