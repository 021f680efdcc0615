"""Questions about people and brand, answered from shared tables while a tenant is entered."""

from dataclasses import dataclass

from controlplane.core.actor import Actor, ActorKind
from tenants.context import outside
from tenants.models import Member, Partner, Tenant

PLAIN_BRAND = Partner(name="Pergola", slug="pergola")


@dataclass(frozen=True)
class Contact:
    name: str
    email: str
    language: str
    time_zone: str


def deciders_of(tenant: Tenant) -> list[Contact]:
    """The tenant's own members and its partners' who may decide and have an address."""
    with outside():
        members = Member.objects.of_tenant(tenant).select_related("user").exclude(user__email="")
        by_address = {
            member.user.email.lower(): Contact(
                name=member.user.get_full_name() or member.user.get_username(),
                email=member.user.email,
                language=member.language or tenant.language,
                time_zone=member.time_zone or tenant.time_zone,
            )
            for member in members
            if member.may_decide
        }
    return list(by_address.values())


def brand_of(tenant: Tenant) -> Partner:
    """The lead partner's brand; Pergola's own where no partner leads."""
    with outside():
        return tenant.lead_partner or PLAIN_BRAND


def actor_of(member: Member) -> Actor:
    """The member as the one who does something, with what the role permits."""
    name = member.user.get_full_name() or member.user.get_username()
    scopes = frozenset({"approvals:decide"} if member.may_decide else ())
    if member.may_manage:
        scopes |= {
            "invoices:submit", "knowledge:approve", "knowledge:write", "procurement:submit",
        }  # fmt: skip
    return Actor(kind=ActorKind.MEMBER, id=str(member.user_id), label=name, scopes=scopes)
