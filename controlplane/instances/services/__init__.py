"""What can be done with n8n servers and with the workspaces of tenants on them."""

from controlplane.instances.addresses import assert_own_url
from controlplane.instances.services.health import check_all_health, check_health
from controlplane.instances.services.registration import (
    refresh_workspaces,
    register_instance,
    save_instance,
)
from controlplane.instances.services.restoring import (
    collect_workflows,
    find_workspace_again,
    leave_instance,
)
from controlplane.instances.services.workspaces import (
    STEP,
    bind_tenant,
    bind_to_own_instance,
    client_for,
    owner_client,
    remove_member,
    unbind_tenant,
)

__all__ = [
    "STEP",
    "assert_own_url",
    "bind_tenant",
    "bind_to_own_instance",
    "check_all_health",
    "check_health",
    "client_for",
    "collect_workflows",
    "find_workspace_again",
    "leave_instance",
    "owner_client",
    "refresh_workspaces",
    "register_instance",
    "remove_member",
    "save_instance",
    "unbind_tenant",
]
