"""New tenants: their rows, their schemas, and what higher floors add. See ADR 0014."""

from tenants.provisioning.creation import (
    Created,
    FirstKey,
    create_tenant,
    enqueue_provisioning,
    provision_tenant,
)
from tenants.provisioning.names import platform_domain, schema_named
from tenants.provisioning.rows import PartnerTaken, start_tenant
from tenants.provisioning.schemas import build_schema
from tenants.provisioning.steps import register_seed, register_step, say_of_step

__all__ = [
    "Created",
    "FirstKey",
    "PartnerTaken",
    "build_schema",
    "create_tenant",
    "enqueue_provisioning",
    "platform_domain",
    "provision_tenant",
    "register_seed",
    "register_step",
    "say_of_step",
    "schema_named",
    "start_tenant",
]
