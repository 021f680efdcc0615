"""A tenant's own domains, checked and nobody else's; and hostile names at the door."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from tenants import lookup
from tenants.context import inside
from tenants.domains import DomainStays, add_domain, remove_domain
from tenants.models import Domain, Partner, Tenant
from tenants.provisioning import start_tenant
from tenants.provisioning.names import DomainRefused, DomainTaken, SlugRefused
from tenants.provisioning.rows import PartnerTaken, SandboxNotPossible, TenantLeaving

BY = system("test")


@pytest.fixture
def lead(north: Tenant) -> Partner:
    return Partner.objects.get(slug="partner-north")


def test_a_tenant_answers_under_a_domain_of_its_own(north: Tenant) -> None:
    add_domain(tenant=north, domain="Orders.Nordwind.EXAMPLE", by=BY)

    assert lookup.tenant_by_host("orders.nordwind.example") == north
    assert add_domain(tenant=north, domain="orders.nordwind.example", by=BY).tenant == north
    with inside(north):
        told = Entry.objects.get(action="tenant.domain_added")
    assert told.data == {"domain": "orders.nordwind.example"}

    assert remove_domain(tenant=north, domain="orders.nordwind.example", by=BY)
    assert not remove_domain(tenant=north, domain="orders.nordwind.example", by=BY)
    with pytest.raises(lookup.TenantUnknown):
        lookup.tenant_by_host("orders.nordwind.example")


def test_a_domain_leads_to_one_tenant(north: Tenant, south: Tenant) -> None:
    add_domain(tenant=north, domain="shop.example.org", by=BY)

    with pytest.raises(DomainTaken) as taken:
        add_domain(tenant=south, domain="SHOP.example.org", by=BY)

    assert (taken.value.code, taken.value.errors[0].field) == ("domain_taken", "domain")
    assert not remove_domain(tenant=south, domain="shop.example.org", by=BY)
    assert lookup.tenant_by_host("shop.example.org") == north


@pytest.mark.parametrize("domain", ["localhost", "south.localhost", "new.localhost", "127.0.0.1"])
def test_the_platforms_hosts_are_nobodys_to_take(north: Tenant, domain: str) -> None:
    with pytest.raises(DomainRefused):
        add_domain(tenant=north, domain=domain, by=BY)


def test_the_host_that_a_tenant_is_reached_by_stays(north: Tenant) -> None:
    with pytest.raises(DomainStays):
        remove_domain(tenant=north, domain=north.host, by=BY)


def test_a_new_tenants_host_may_be_another_ones_already(south: Tenant, lead: Partner) -> None:
    Domain.objects.create(domain="taken.localhost", tenant=south, is_primary=False)

    with pytest.raises(DomainTaken):
        start_tenant(slug="taken", name="Taken", partner=lead)

    assert not Tenant.objects.filter(slug="taken").exists()


def test_a_tenant_of_another_partner_is_refused_by_name(south: Tenant, lead: Partner) -> None:
    with pytest.raises(PartnerTaken) as refused:
        start_tenant(slug="south", name="South", partner=lead)

    assert refused.value.errors[0].field == "slug"


def test_a_leaving_tenant_is_not_started_again(north: Tenant, lead: Partner) -> None:
    Tenant.objects.filter(pk=north.pk).update(status=Tenant.Status.LEAVING)

    with pytest.raises(TenantLeaving):
        start_tenant(slug="north", name="North", partner=lead)


def test_a_sandbox_belongs_to_its_production(north: Tenant, south: Tenant, lead: Partner) -> None:
    sandbox = start_tenant(slug="north-sandbox", name="North (sandbox)", sandbox_of=north)

    assert (sandbox.environment, sandbox.customer) == (Tenant.Environment.SANDBOX, north)
    assert (sandbox.lead_partner, sandbox.engagements.count()) == (lead, 0)
    assert sandbox.host == "north-sandbox.localhost"
    again = start_tenant(slug="north-sandbox", name="x", partner=lead, sandbox_of=north)
    assert again == sandbox
    with pytest.raises(SlugRefused):
        start_tenant(slug="north-sandbox", name="N", partner=lead)
    with pytest.raises(SlugRefused):
        start_tenant(slug="north-sandbox", name="N", sandbox_of=south)
    with pytest.raises(SandboxNotPossible):
        start_tenant(slug="north-sandbox-sandbox", name="N", sandbox_of=sandbox)
    with pytest.raises(PartnerTaken):
        start_tenant(slug="south-sandbox", name="S", partner=lead, sandbox_of=south)


# The fixtures are rolled back after all examples together: each looks at its own name only.
@how(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(slug=st.text(max_size=70) | st.from_regex(r"[a-z][a-z0-9-]{0,40}", fullmatch=True))
def test_whatever_comes_in_is_refused_or_becomes_one_plain_tenant(
    north: Tenant, lead: Partner, slug: str
) -> None:
    try:
        tenant = start_tenant(slug=slug, name=f"Name of {slug!r}", partner=lead)
    except DomainError:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(%s), quote_ident(%s)", [tenant.schema_name, tenant.slug])
        schema, _slug = cursor.fetchone()
    assert schema == tenant.schema_name, "it needs no quotes anywhere"
    assert Tenant.objects.filter(schema_name=tenant.schema_name).count() == 1


@pytest.mark.parametrize(
    "name", ['O\'Brien & Söhne "GmbH"; DROP TABLE x --', "株式会社", "a" * 120]
)
def test_a_tenants_name_may_be_anything(north: Tenant, lead: Partner, name: str) -> None:
    tenant = start_tenant(slug="plain", name=name, partner=lead)

    assert Tenant.objects.get(slug="plain").name == tenant.name == name
