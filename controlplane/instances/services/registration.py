"""Making an n8n server known, and carrying its changes into the workspaces on it."""

from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from controlplane.core.actor import Actor
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.logs import get_logger
from controlplane.instances.client.errors import InstanceError
from controlplane.instances.models import Instance, Workspace
from controlplane.instances.services.health import check_health
from controlplane.instances.services.workspaces import InstanceElsewhere, bind_tenant
from tenants.context import inside
from tenants.models import Engagement, Partner, Tenant

log = get_logger(__name__)


def register_instance(
    *,
    name: str,
    base_url: str,
    shape: Instance.Shape,
    owner_key: str,
    by: Actor,
    partner: Partner | None = None,
    tenant: Tenant | None = None,
    webhook_base_url: str = "",
    editor_base_url: str = "",
    project_id: str = "",
    region: str | None = None,
) -> Instance:
    """Store it, or what changed about the one of this name, and check its health.

    An instance that is down is stored all the same. Called in no transaction. Raises
    ValidationError.
    """
    instance = Instance.objects.filter(name=name).first() or Instance(name=name)
    instance.base_url = base_url.rstrip("/")
    instance.webhook_base_url = webhook_base_url.rstrip("/")
    instance.editor_base_url = editor_base_url.rstrip("/")
    instance.shape, instance.partner, instance.tenant = shape, partner, tenant
    instance.owner_key, instance.project_id = owner_key, project_id
    if region is not None:
        instance.region = region
    instance.full_clean()
    _write(instance, by=by)
    return check_health(instance)


def save_instance(instance: Instance, *, by: Actor) -> None:
    """Write a valid instance and, after the commit, check its health.

    Workspaces that hold copies of it follow in the background.
    """
    _write(instance, by=by)
    # The admin saves within a transaction, and none may be open around a call to n8n.
    transaction.on_commit(partial(check_health, instance))


def _write(instance: Instance, *, by: Actor) -> None:
    is_new = instance._state.adding
    with transaction.atomic():
        instance.save()
        if not is_new:
            enqueue_on_commit("instances.refresh_workspaces", instance_id=str(instance.pk))
    log.info("instance saved", instance=instance.name, base_url=instance.base_url, by=by.label)


def refresh_workspaces(*, instance: Instance, by: Actor) -> None:
    """Bind again each tenant that is on it, so that address and key are today's."""
    for tenant in _served(instance):
        with inside(tenant):
            is_there = Workspace.objects.filter(instance_id=instance.pk).exists()
        if not is_there:
            continue
        try:
            bind_tenant(tenant=tenant, instance=instance, by=by)
        except (InstanceError, InstanceElsewhere) as error:
            log.warning("workspace not refreshed", tenant=tenant.slug, reason=error.detail)


def _served(instance: Instance) -> QuerySet[Tenant]:
    if instance.tenant_id is not None:
        return Tenant.objects.filter(pk=instance.tenant_id)
    led = Engagement.objects.filter(partner=instance.partner_id, is_lead=True)
    return Tenant.objects.filter(pk__in=led.values("tenant"))
