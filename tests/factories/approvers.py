"""People of a customer and of its partners who may be asked, and subjects that bring terms."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import User

from controlplane.approvals.models import Route
from controlplane.approvals.routes import save_route
from controlplane.core.actor import Actor, system
from tenants.context import outside
from tenants.engagements import engage_partner
from tenants.members import people_of
from tenants.models import Member, Partner, Tenant

BY = system("tests")


def make_person(
    tenant: Tenant, name: str, role: str = "approver", partner: Partner | None = None
) -> Actor:
    """A member of the customer, or of a partner that is engaged there; as an actor."""
    with outside():
        user = User.objects.create_user(
            f"{name}-{tenant.slug}", f"{name}@people.example", "correct horse battery",
            first_name=name.title(),
        )  # fmt: skip
        place = {"partner": partner} if partner else {"tenant": tenant}
        Member.objects.create(user=user, role=role, **place)
    return people_of(tenant)[str(user.pk)].actor


def make_partner(tenant: Tenant, slug: str, owns: Collection[str] = ()) -> Partner:
    """Engaged at the tenant, where it owns these areas from now on."""
    with outside():
        partner = Partner.objects.create(slug=slug, name=slug.title())
        engage_partner(partner=partner, tenant=tenant, owns=owns, by=BY)
    return partner


def make_route(name: str = "Orders", **fields: Any) -> Route:
    """`steps` and other fields of Terms beside those of the route."""
    names = ("steps", "order", "rejections", "on_expiry", "expires_in_hours", "remind_hours")
    terms = {key: fields.pop(key) for key in names if key in fields}
    given = {"name": name, "terms": terms, **fields}
    return save_route(route=None, by=BY, **given)
