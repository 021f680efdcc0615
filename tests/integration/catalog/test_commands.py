"""A template is cloned from the command line, into a tenant that answers."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from controlplane.catalog.models import Installation
from tenants import lookup
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import make_workspace
from tests.factories.installations import make_release
from tests.fakes.n8n import FakeN8n


def test_it_runs_when_the_command_ends(north: Tenant, n8n: FakeN8n, tmp_path: Path) -> None:
    make_release(tmp_path)
    with inside(north):
        make_workspace(n8n.url)

    call_command("clone_template", "north", "review-orders", parameters='{"max_quantity": 7}')

    with inside(north):
        made = Installation.objects.get()
        assert (made.status, made.parameters["max_quantity"]) == ("active", 7)


@pytest.mark.parametrize(
    ("tenant", "parameters", "told"),
    [
        ("nobody", "{}", "no active tenant “nobody”"),
        ("north", "[]", "give a JSON object"),
        ("north", "{", "--parameters"),
        ("north", "{}", "no template “no-such”"),
    ],
)
def test_what_is_wrong_is_said(north: Tenant, tenant: str, parameters: str, told: str) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("clone_template", tenant, "no-such", parameters=parameters)


def test_a_sandbox_of_a_suspended_tenant_is_as_shut_as_that(north: Tenant, south: Tenant) -> None:
    Tenant.objects.filter(pk=south.pk).update(environment="sandbox", sandbox_of=north)
    Tenant.objects.filter(pk=north.pk).update(status=Tenant.Status.SUSPENDED)
    lookup.forget_tenants()

    with pytest.raises(CommandError, match="no active tenant “south”"):
        call_command("clone_template", "south", "review-orders")
