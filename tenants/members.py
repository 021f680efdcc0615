"""Questions about people and brand, answered from shared tables while a tenant is entered."""

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from controlplane.core.actor import Actor, ActorKind
from controlplane.core.questions import Question
from tenants.access import members_who_may
from tenants.context import outside
from tenants.models import Member, Partner, Tenant
from tenants.permissions import Grant, Permission
from tenants.security.factors import users_with_factor

PLAIN_BRAND = Partner(name="Pergola", slug="pergola")
_LEAD = Question(
    lambda tenant: Partner.objects.filter(engagements__tenant=tenant, engagements__is_lead=True),
    tenant=uuid.uuid4(),
)


@dataclass(frozen=True)
class Contact:
    name: str
    email: str
    language: str
    time_zone: str


@dataclass(frozen=True)
class Seat:
    """One membership of a person: of the customer, or of a partner with what that owns here."""

    organisation: str
    organisation_label: str
    role: str
    areas: frozenset[str]

    @property
    def is_partners(self) -> bool:
        return self.organisation != CUSTOMER


@dataclass(frozen=True)
class Person:
    """Somebody with a role in a tenant. `id` is the user's, as an actor has it."""

    id: str
    contact: Contact
    grant: Grant
    seats: tuple[Seat, ...]
    must_log_in: bool = False
    """A link in a mail does not do for them: they have a second factor, or a partner asks for one
    or for its own sign-on."""

    @property
    def name(self) -> str:
        return self.contact.name

    @property
    def actor(self) -> Actor:
        return Actor(kind=ActorKind.MEMBER, id=self.id, label=self.name, scopes=self.grant.scopes)


CUSTOMER = "customer"
"""The tenant's own people, as an organisation; a partner's is its slug after `partner:`."""


_known: ContextVar[tuple[uuid.UUID, Mapping[str, Person]] | None] = ContextVar(
    "people_known", default=None
)


@contextmanager
def knowing_people(tenant: Tenant) -> Iterator[None]:
    """Everybody of the tenant is asked for now, and `people_of` answers from that inside: for what
    goes on in a transaction that writes for the tenant, and must not leave it.
    """
    token = _known.set((tenant.pk, people_of(tenant)))
    try:
        yield
    finally:
        _known.reset(token)


def people_of(tenant: Tenant, *, only: Collection[str] | None = None) -> dict[str, Person]:
    """Everybody with a role in the tenant, by id: its own seat before those of partners.

    `only` leaves out all whose id is not among these.
    """
    known = _known.get()
    if known is not None and known[0] == tenant.pk:
        return {key: person for key, person in known[1].items() if only is None or key in only}
    found: dict[str, list[Member]] = {}
    with outside():
        memberships = Member.objects.of_tenant(tenant).select_related(
            "user", "partner__single_sign_on"
        )
        if only is not None:
            # An actor that is no person of ours has an id that is no number.
            memberships = memberships.filter(user_id__in=[each for each in only if each.isdigit()])
        for member in memberships.order_by("pk"):
            found.setdefault(str(member.user_id), []).append(member)
        with_factor = {str(user_id) for user_id in users_with_factor(found)}
    return {
        user_id: _person(user_id, held, tenant, has_factor=user_id in with_factor)
        for user_id, held in found.items()
    }


def people_named(tenant: Tenant, names: Collection[str]) -> list[Person]:
    """Those whose id or e-mail address is among the names, whichever way it is written."""
    wanted = {name.strip().casefold() for name in names}
    found = people_of(tenant)
    return [
        person
        for person in found.values()
        if person.id in wanted or (person.contact.email.casefold() or None) in wanted
    ]


def _person(user_id: str, memberships: list[Member], tenant: Tenant, *, has_factor: bool) -> Person:
    memberships = sorted(memberships, key=lambda member: member.is_partners)
    first = memberships[0]
    return Person(
        id=user_id,
        contact=Contact(
            name=first.user.get_full_name() or first.user.get_username(),
            email=first.user.email,
            language=first.language or tenant.language,
            time_zone=first.time_zone or tenant.time_zone,
        ),
        grant=Grant.of(memberships),
        seats=tuple(
            Seat(
                organisation=f"partner:{member.partner.slug}" if member.partner else CUSTOMER,
                organisation_label=str(member.partner or tenant),
                role=member.role,
                areas=frozenset(member.areas),
            )
            for member in memberships
        ),
        must_log_in=has_factor
        or any(_wants_a_log_in(member.partner) for member in memberships if member.partner),
    )


def _wants_a_log_in(partner: Partner) -> bool:
    sign_on = getattr(partner, "single_sign_on", None)
    return partner.requires_mfa or (
        sign_on is not None and sign_on.is_active and sign_on.is_required
    )


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
        return next(iter(_LEAD.ask(tenant=tenant.customer_id)), PLAIN_BRAND)


def actor_of(member: Member) -> Actor:
    """The member as the one who does something, with what the door found the member may."""
    name = member.user.get_full_name() or member.user.get_username()
    if member.visit is not None:
        name = f"{name} (platform support)"
    return Actor(
        kind=ActorKind.MEMBER, id=str(member.user_id), label=name, scopes=member.grant.scopes
    )
