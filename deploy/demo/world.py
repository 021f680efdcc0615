"""Who and what the demo needs: people, a partner, tenants, an n8n, templates, installations.

Django is set up before this is imported. Everything is found again by a second run.
"""

import time
from dataclasses import dataclass
from io import StringIO

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from sesame.utils import get_query_string

from controlplane.catalog import services as catalog
from controlplane.catalog.models import Installation, Release, Template
from controlplane.core.actor import system
from controlplane.events.models import Source
from controlplane.events.services import create_source
from controlplane.instances.models import Instance
from controlplane.instances.services import register_instance
from deploy.demo import documents, flows
from deploy.demo.story import CUSTOMERS, MANAGER, PARTNER, Customer
from deploy.embedded.errors import StartFailed
from deploy.embedded.progress import Reporter, Step
from tenants.access import member_of
from tenants.context import inside
from tenants.members import actor_of
from tenants.models import Member, Partner, Tenant
from tenants.provisioning import provision_tenant, start_tenant

BY = system("demo")


@dataclass(frozen=True)
class Place:
    """A tenant of the demo with what is needed to send it things and to decide there."""

    customer: Customer
    tenant: Tenant
    approver: User
    secrets: dict[str, str]
    """By the source's address."""
    installations: dict[str, Installation]
    """By the template's slug."""


def prepare(reporter: Reporter) -> None:
    """What must stand before Pergola's own processes start."""
    with reporter.step("Migrating the shared schema and every tenant's"):
        call_command("migrate_fleet", stdout=StringIO())
    with reporter.step("Making the template of new tenants, and spares"):
        call_command("fill_pool", stdout=StringIO())


def build(reporter: Reporter) -> list[Place]:
    with reporter.step("Platform admin, partner and n8n instance") as step:
        admin = _user("Platform Admin", "admin@pergola.example")
        User.objects.filter(pk=admin.pk).update(is_staff=True, is_superuser=True)
        partner, _created = Partner.objects.update_or_create(slug=PARTNER["slug"], defaults=PARTNER)
        manager, _created = Member.objects.get_or_create(
            user=_user(*MANAGER), partner=partner, defaults={"role": Member.Role.MANAGER}
        )
        instance = _instance(partner)
        step.done(f"n8n {instance.version} is {instance.health}")
    with reporter.step("Loading workflow-templates/"):
        call_command("load_templates", stdout=StringIO())
    return [_place(customer, partner, manager, reporter) for customer in CUSTOMERS]


def _user(name: str, email: str) -> User:
    first, _space, last = name.partition(" ")
    user, created = User.objects.get_or_create(
        username=email, defaults={"email": email, "first_name": first, "last_name": last}
    )
    if created:
        # They come in by one-time link; a password is set by "Forgot your password?".
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def _instance(partner: Partner) -> Instance:
    is_ours = bool(settings.N8N_OWNER_PASSWORD)
    return register_instance(
        name="demo",
        base_url=settings.N8N_URL,
        shape=Instance.Shape.SHARED if is_ours else Instance.Shape.BROUGHT,
        owner_key=settings.N8N_API_KEY,
        partner=partner,
        project_id=settings.N8N_PROJECT_ID,
        by=BY,
    )


def _place(customer: Customer, partner: Partner, manager: Member, reporter: Reporter) -> Place:
    with reporter.step(f"Tenant {customer.name}") as step:
        known = Tenant.objects.active().filter(slug=customer.slug).exists()
        tenant = start_tenant(
            slug=customer.slug,
            name=customer.name,
            partner=partner,
            language=customer.language,
            time_zone=customer.time_zone,
        )
        provision_tenant(tenant, by=BY, progress=step.update)
        approver = _user(*customer.approver)
        Member.objects.get_or_create(
            user=approver, tenant=tenant, defaults={"role": Member.Role.APPROVER}
        )
        step.done("checked" if known else "schema, role, n8n member")
    secrets, installations = {}, {}
    for flow in flows.all_flows():
        with reporter.step(f"Template “{flow.TEMPLATE}” in {customer.name}") as step:
            release = Template.objects.get(slug=flow.TEMPLATE).latest
            if release is None:
                raise StartFailed(f"the template {flow.TEMPLATE} has no release")
            with inside(tenant):
                secrets[flow.SOURCE] = _source(flow).secret
                installations[flow.TEMPLATE] = _installation(release, customer, step)
    # Asked before the tenant is entered, whose role may not read who people are.
    member = member_of(manager.user, tenant)
    if member is None:
        raise StartFailed(f"{manager} has no access to {customer.name}")
    approving = actor_of(member)
    with reporter.step(f"Documents that answer {customer.name}’s tickets") as step, inside(tenant):
        count = documents.approve_all(customer.slug, by=approving, step=step)
        step.done(f"{count} approved")
    return Place(customer, tenant, approver, secrets, installations)


def _source(flow: flows.Flow) -> Source:
    source = Source.objects.filter(slug=flow.SOURCE).first()
    if source is None:
        source, _secret = create_source(slug=flow.SOURCE, name=flow.NAME, kind=flow.KIND, by=BY)
    return source


def _installation(release: Release, customer: Customer, step: Step) -> Installation:
    slug = release.template.slug
    installation = Installation.objects.present().filter(template_slug=slug).first()
    if installation is None:
        installation = catalog.install(
            release_id=release.pk, parameters=customer.parameters[slug], by=BY
        )
    elif installation.status == Installation.Status.FAILED:
        installation = catalog.retry(installation_id=installation.pk, by=BY)
    else:
        step.skip(f"installed, workflow {installation.workflow_id}")
    _wait_until_active(installation, step)
    return installation


def _wait_until_active(installation: Installation, step: Step) -> None:
    deadline = time.monotonic() + 90
    while installation.status != Installation.Status.ACTIVE:
        if installation.status == Installation.Status.FAILED or time.monotonic() > deadline:
            raise StartFailed(
                f"{installation} is {installation.status}: {installation.last_error or 'no answer'}"
                "; see var/log/worker.log"
            )
        step.update(f"{installation.get_status_display()}, by the worker")
        time.sleep(0.2)
        installation.refresh_from_db()
    if step.skipped is None:
        step.done(f"cloned as workflow {installation.workflow_id}")


def entry_links(places: list[Place]) -> list[tuple[str, str]]:
    """Who, and a link that logs them in once."""
    admin = User.objects.get(username="admin@pergola.example")
    manager = User.objects.get(username=MANAGER[1])
    links = [
        ("Django admin, platform admin", f"{settings.PUBLIC_URL}/admin/enter/", admin),
        (f"Portal of {places[0].tenant}, {MANAGER[0]} of the partner", _enter(places[0]), manager),
        *(
            (f"Portal of {p.tenant}, {p.customer.approver[0]}, approver", _enter(p), p.approver)
            for p in places
        ),
    ]
    return [(title, address + get_query_string(user)) for title, address, user in links]


def _enter(place: Place) -> str:
    return f"{place.tenant.portal_url}/accounts/enter/"
