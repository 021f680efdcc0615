"""Every door says which environment it is, and keeps the keys of one out of the other."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.http import HttpResponse
from django.test import Client

from controlplane.approvals.mail import mail_waiting
from controlplane.instances.models import Instance
from tenants import lookup
from tenants.context import inside
from tenants.environments.marks import marked_subject
from tenants.environments.services import start_sandbox
from tenants.members import brand_of, deciders_of
from tenants.models import Member, Tenant
from tests.factories.approvals import make_approval
from tests.factories.events import NOWHERE, make_workspace
from tests.factories.support_access import make_entry


@pytest.fixture
def sandbox(north: Tenant) -> Tenant:
    """Its row, and for a schema that of another tenant which nobody looks at in these tests."""
    started = start_sandbox(north)
    Tenant.objects.filter(pk=started.pk).update(status=Tenant.Status.ACTIVE)
    # Two rows may not name one schema, so the other one is set aside, until the rollback.
    Tenant.objects.filter(slug="south").update(schema_name="t_aside")
    Tenant.objects.filter(pk=started.pk).update(schema_name="t_south")
    lookup.forget_tenants()
    return lookup.tenant_by_slug("north-sandbox")


def test_members_and_brand_are_productions(
    north: Tenant, sandbox: Tenant, make_member: Callable[..., Member]
) -> None:
    member = make_member(north, role=Member.Role.MANAGER)

    assert [contact.email for contact in deciders_of(sandbox)] == [member.user.email]
    assert brand_of(sandbox) == brand_of(north) != Tenant
    instance = Instance.objects.create(
        name="own", base_url=NOWHERE, shape="dedicated", owner_key="key", tenant=north
    )
    assert instance.serves(sandbox)
    assert list(Instance.objects.serving(sandbox)) == [instance]


@pytest.mark.parametrize(
    "path", ["/approvals/", "/orders/", "/invoices/", "/tickets/", "/knowledge/", "/sources/",
             "/installations/", "/templates/", "/profile/", "/sandbox/", "/nowhere/",
             "/accounts/login/", "/support/"],
)  # fmt: skip
def test_every_page_of_a_sandbox_says_so_and_leads_to_production(
    north: Tenant, sandbox: Tenant, make_member: Callable[..., Member], path: str
) -> None:
    here, there = (browser_at(tenant, make_member(north, name=name)) for tenant, name in
                   ((sandbox, "ada"), (north, "eve")))  # fmt: skip

    is_for_anybody = path in {"/accounts/login/", "/support/"}
    if is_for_anybody:
        here.logout()
        there.logout()

    page = here.get(path)
    text = page.content.decode()

    assert '<aside class="environment"' in text, page.status_code
    assert "<title>[Sandbox] " in text
    assert page["Pergola-Environment"] == "sandbox"
    if page.status_code == 200 and not is_for_anybody:
        assert f'href="{north.portal_url}/"' in text
    production = there.get(path)
    assert 'class="environment"' not in production.content.decode()
    assert production["Pergola-Environment"] == "production"


def browser_at(tenant: Tenant, member: Member) -> Client:
    client = Client(headers={"host": tenant.host})
    client.force_login(member.user, "django.contrib.auth.backends.ModelBackend")
    return client


def test_the_admin_of_a_sandbox_says_so(north: Tenant, sandbox: Tenant) -> None:
    admin = User.objects.create_superuser("root", "root@pergola.example", "correct horse battery")
    client = Client(headers={"host": "localhost"})
    client.force_login(admin, "django.contrib.auth.backends.ModelBackend")

    for tenant in (north, sandbox):
        make_entry(admin, tenant)

    def shown(tenant: Tenant) -> HttpResponse:
        return client.get(f"/t/{tenant.slug}/admin/orders/order/")

    assert "[Sandbox]" in shown(sandbox).content.decode()
    assert "[Sandbox]" not in shown(north).content.decode()
    assert shown(sandbox)["Pergola-Environment"] == "sandbox"


def test_whoami_names_the_environment(
    north: Tenant, sandbox: Tenant, machine: Callable[..., Client]
) -> None:
    for tenant, environment in ((north, "production"), (sandbox, "sandbox")):
        answer = machine(tenant).get("/api/v1/whoami")
        assert answer.json()["environment"] == environment
        assert answer["Pergola-Environment"] == environment


def test_a_key_of_one_environment_is_refused_at_the_other(
    north: Tenant, sandbox: Tenant, machine: Callable[..., Client]
) -> None:
    key = machine(north)

    by_host = key.get("/api/v1/approvals", headers={"host": sandbox.host})
    by_header = key.get("/api/v1/whoami", headers={"Pergola-Environment": "sandbox"})
    right = key.get("/api/v1/whoami", headers={"Pergola-Environment": "production"})

    for answer in (by_host, by_header):
        assert (answer.status_code, answer.json()["code"]) == (401, "key_of_other_environment")
    assert right.status_code == 200


def test_mails_of_a_sandbox_begin_with_its_name_and_go_to_members(
    north: Tenant, sandbox: Tenant, make_member: Callable[..., Member]
) -> None:
    member = make_member(north)
    with inside(sandbox):
        make_workspace()
        approval = make_approval()
        sent = mail_waiting(approval.pk)

    assert sent == 1
    assert mail.outbox[0].subject.startswith("[Sandbox] ")
    assert mail.outbox[0].to == [member.user.email]
    assert marked_subject("Order\nheld", north) == "Order held"


def test_where_production_is_suspended_its_sandbox_answers_no_more(
    north: Tenant, sandbox: Tenant
) -> None:
    Tenant.objects.filter(pk=north.pk).update(status=Tenant.Status.SUSPENDED)
    lookup.forget_tenants()

    assert Client(headers={"host": sandbox.host}).get("/accounts/login/").status_code == 404
