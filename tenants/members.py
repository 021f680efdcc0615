"""Questions about people and brand, answered from shared tables while a tenant is entered."""

from dataclasses import dataclass

from controlplane.core.actor import Actor, ActorKind
from tenants.access import members_who_may
from tenants.context import outside
from tenants.models import Member, Partner, Tenant
from tenants.permissions import Permission

PLAIN_BRAND = Partner(name="Pergola", slug="pergola")


@dataclass(frozen=True)
class Contact:
    name: str
    email: str
    language: str
    time_zone: str


def deciders_of(tenant: Tenant) -> list[Contact]:
    """The tenant's own members and its partners' who may decide and have an address."""
    return _contacts(tenant, Permission.DECIDE)


def managers_of(tenant: Tenant) -> list[Contact]:
    """The tenant's own members and its partners' who may manage and have an address."""
    return _contacts(tenant, Permission.SETTINGS)


def _contacts(tenant: Tenant, permission: Permission) -> list[Contact]:
    with outside():
        by_address = {
            member.user.email.lower(): Contact(
                name=member.user.get_full_name() or member.user.get_username(),
                email=member.user.email,
                language=member.language or tenant.language,
                time_zone=member.time_zone or tenant.time_zone,
            )
            for member in members_who_may(permission, tenant)
            if member.user.email
        }
    return list(by_address.values())


def is_address_of_member(tenant: Tenant, email: str) -> bool:
    with outside():
        return Member.objects.of_tenant(tenant).filter(user__email__iexact=email).exists()


def brand_of(tenant: Tenant) -> Partner:
    """The lead partner's brand; Pergola's own where no partner leads."""
    with outside():
        return tenant.lead_partner or PLAIN_BRAND


def actor_of(member: Member) -> Actor:
    """The member as the one who does something, with what the door found the member may."""
    name = member.user.get_full_name() or member.user.get_username()
    if member.visit is not None:
        name = f"{name} (platform support)"
    return Actor(
        kind=ActorKind.MEMBER, id=str(member.user_id), label=name, scopes=member.grant.scopes
    )
