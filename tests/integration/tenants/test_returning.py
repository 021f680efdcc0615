"""A tenant that is taken back is as it was, and its sandbox too."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controlplane.core.actor import system
from tenants import lookup
from tenants.environments.services import remove_sandbox
from tenants.leaving import leave_tenant, return_tenant
from tenants.models import Departure, Partner, Tenant
from tenants.provisioning import provision_tenant, start_tenant
from tenants.suspension import reactivate_tenant, suspend_tenant

BY = system("test")


@pytest.fixture
def tenant(
    new_slug: Callable[[], str], partner: Partner, tmp_path: Path, settings: Any
) -> Iterator[Tenant]:
    settings.EXPORTS_ROOT = tmp_path / "exports"
    settings.FILES_ROOT = tmp_path / "files"
    slug = new_slug()
    yield provision_tenant(start_tenant(slug=slug, name="Nordwind", partner=partner), by=BY)
    Departure.objects.filter(slug__startswith=slug).delete()


def test_who_was_suspended_comes_back_suspended(tenant: Tenant) -> None:
    provision_tenant(
        start_tenant(slug=f"{tenant.slug}-sandbox", name="Trial", sandbox_of=tenant), by=BY
    )
    suspend_tenant(tenant=tenant, by=BY)

    for _time in range(2):
        leave_tenant(tenant=tenant, by=BY, reason="sold")
        return_tenant(tenant=tenant, by=BY)

    tenant.refresh_from_db()
    assert tenant.status == Tenant.Status.SUSPENDED
    assert tenant.sandboxes.get().status == Tenant.Status.ACTIVE
    assert reactivate_tenant(tenant=tenant, by=BY), "only who is let in again is in again"


def test_a_sandbox_that_is_being_taken_away_is_not_taken_back(tenant: Tenant) -> None:
    sandbox = provision_tenant(
        start_tenant(slug=f"{tenant.slug}-sandbox", name="Trial", sandbox_of=tenant), by=BY
    )
    remove_sandbox(tenant=tenant, by=BY)
    leave_tenant(tenant=tenant, by=BY, reason="sold")

    return_tenant(tenant=tenant, by=BY)

    assert lookup.tenant_by_slug(tenant.slug) == tenant
    sandbox.refresh_from_db()
    assert sandbox.status == Tenant.Status.LEAVING
