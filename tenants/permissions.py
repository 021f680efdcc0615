"""Who may see and do what in a tenant: the whole table, in one place.

A tenant's own member may what the role says. A partner's member may what the role says as far as
the partner owns an area that opens it; `SHARED` needs no area, so that every partner of a tenant
sees the same health. Who is both, or member of two partners, may what either may.

`docs/permissions.md` is this table as people read it; `make generate` writes it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from tenants.models.engagements import Ownership
from tenants.models.members import Member

Role, Area = Member.Role, Ownership.Area


class Permission(TextChoices):
    HEALTH = "health", _("See that the work runs: workflows, runs, events, counts, states")
    PAYLOAD = "payload", _("See customer data: orders, invoices, tickets, documents, answers")
    DECIDE = "decide", _("Decide approvals")
    EXCEPTIONS = "exceptions", _("Work on exceptions: assign, comment, try again, resolve")
    HANDLE = "handle", _("Work on cases: confirm an invoice’s fields, sort and answer tickets")
    SUBMIT = "submit", _("Hand in invoices, purchase orders and goods receipts")
    KNOWLEDGE = "knowledge", _("Add, approve and retire the documents that answers are made of")
    SOURCES = "sources", _("Connect event sources and replace their secrets")
    CONNECTIONS = "connections", _("Connect outside systems and replace their secrets")
    INSTALLATIONS = "installations", _("Clone templates, change and remove installations")
    MEMBERS = "members", _("Change and remove the tenant’s members")
    KEYS = "keys", _("Issue and revoke API keys")
    POLICIES = "policies", _("Write, simulate and publish the rules by which work is judged")
    SETTINGS = "settings", _("Change the tenant’s settings")
    AUDIT = "audit", _("Read the audit trail")


P = Permission

VIEWER = {P.HEALTH, P.PAYLOAD}
APPROVER = VIEWER | {P.DECIDE, P.EXCEPTIONS, P.HANDLE}
MANAGER = APPROVER | {
    P.SUBMIT, P.KNOWLEDGE, P.SOURCES, P.CONNECTIONS, P.INSTALLATIONS, P.MEMBERS, P.KEYS,
    P.POLICIES, P.SETTINGS, P.AUDIT,
}  # fmt: skip

# The narrowest first.
ROLES: Mapping[str, frozenset[Permission]] = {
    Role.VIEWER: frozenset(VIEWER),
    Role.APPROVER: frozenset(APPROVER),
    Role.MANAGER: frozenset(MANAGER),
}

# What a partner's members see without owning anything.
SHARED = frozenset({P.HEALTH})

# Who builds and hosts sees no customer data; who designs, improves, helps and decides has to.
OWNERSHIP: Mapping[str, frozenset[Permission]] = {
    Area.PROCESS_DESIGN: frozenset({P.PAYLOAD, P.EXCEPTIONS, P.KNOWLEDGE, P.POLICIES, P.SETTINGS}),
    Area.AUTOMATION: frozenset({P.EXCEPTIONS, P.INSTALLATIONS, P.SOURCES, P.CONNECTIONS}),
    Area.INFRASTRUCTURE: frozenset({P.EXCEPTIONS, P.SOURCES, P.CONNECTIONS, P.KEYS, P.MEMBERS}),
    Area.OPTIMISATION: frozenset({P.PAYLOAD, P.KNOWLEDGE, P.POLICIES, P.AUDIT}),
    Area.SUPPORT: frozenset({P.PAYLOAD, P.EXCEPTIONS, P.HANDLE, P.SUBMIT}),
    Area.ESCALATION: frozenset({P.PAYLOAD, P.DECIDE, P.EXCEPTIONS, P.HANDLE}),
}

# Nobody works on what they may not see: a role or an area that has one of these has PAYLOAD.
ON_PAYLOAD = frozenset({P.DECIDE, P.HANDLE, P.SUBMIT, P.KNOWLEDGE, P.POLICIES, P.AUDIT})

# What a permission is called where services and the API ask a person or a machine alike.
SCOPES: Mapping[Permission, frozenset[str]] = {
    P.HEALTH: frozenset({"installations:read"}),
    P.INSTALLATIONS: frozenset({"installations:write"}),
    P.EXCEPTIONS: frozenset({"exceptions:handle"}),
    P.PAYLOAD: frozenset(
        {
            "decisions:read",
            "events:read",
            "exceptions:read",
            "invoices:read",
            "knowledge:read",
            "tickets:read",
        }
    ),
    P.DECIDE: frozenset({"approvals:decide", "decisions:override"}),
    P.HANDLE: frozenset({"tickets:submit"}),
    P.SUBMIT: frozenset({"invoices:submit", "procurement:submit"}),
    P.KNOWLEDGE: frozenset({"knowledge:approve", "knowledge:write"}),
    # Calling through one (connections:use) is for machines: whoever sets it up sees no answers.
    P.CONNECTIONS: frozenset({"connections:manage", "connections:read"}),
    P.POLICIES: frozenset({"policies:simulate"}),
    P.AUDIT: frozenset({"audit:read"}),
}


class PartnerPermission(TextChoices):
    """What a partner's member may for the partner itself, beside what it may in a tenant."""

    SEE_RULES = "see_rules", _("See the partner’s rules for its customers, and simulations of them")
    APPROVE_RULES = "approve_rules", _("Approve rules that somebody else wrote")
    WRITE_RULES = "write_rules", _("Write, simulate, hand in, publish and retire these rules")
    SEE_ROLLOUTS = "see_rollouts", _("See the rollouts of releases to the partner’s customers")
    ROLL_OUT = "roll_out", _("Begin, pause, end and take back such rollouts")
    RELEASE = "release", _("Import, try and release the partner’s own templates")


PP = PartnerPermission

PARTNER_ROLES: Mapping[str, frozenset[PartnerPermission]] = {
    Role.VIEWER: frozenset({PP.SEE_RULES, PP.SEE_ROLLOUTS}),
    Role.APPROVER: frozenset({PP.SEE_RULES, PP.APPROVE_RULES, PP.SEE_ROLLOUTS}),
    Role.MANAGER: frozenset(PartnerPermission),
}


def roles_with(permission: PartnerPermission) -> list[Member.Role]:
    return [Role(role) for role, allowed in PARTNER_ROLES.items() if permission in allowed]


def of_role(role: str) -> frozenset[Permission]:
    """What a tenant's own member may."""
    return ROLES[role]


def of_partner(role: str, areas: Iterable[str]) -> frozenset[Permission]:
    """What a partner's member may where the partner owns these areas."""
    opened = SHARED.union(*(OWNERSHIP[area] for area in areas))
    return ROLES[role] & opened


def areas_opening(permission: Permission) -> list[Ownership.Area]:
    return [Area(area) for area, opened in OWNERSHIP.items() if permission in opened]


def narrowest_role(permission: Permission) -> Member.Role:
    """The first role that has it."""
    return next(Role(role) for role, allowed in ROLES.items() if permission in allowed)


@dataclass(frozen=True)
class Grant:
    """What one person may in one tenant, found out at the door once for a request.

    `by_role` is what the roles alone would allow: a refusal says by it whether a role is missing
    or the ownership of an area. `is_partners`: the person comes for a partner, maybe besides.
    """

    permissions: frozenset[Permission] = field(default_factory=frozenset)
    by_role: frozenset[Permission] = field(default_factory=frozenset)
    is_partners: bool = False

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def __iter__(self) -> Iterator[Permission]:
        return iter(self.permissions)

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset().union(*(SCOPES.get(each, frozenset()) for each in self.permissions))

    @classmethod
    def of(cls, memberships: Iterable[Member]) -> "Grant":
        """The union over one person's memberships, as `MemberQuerySet.of_tenant` finds them."""
        permissions: frozenset[Permission] = frozenset()
        by_role: frozenset[Permission] = frozenset()
        is_partners = False
        for member in memberships:
            by_role |= of_role(member.role)
            is_partners |= member.is_partners
            permissions |= (
                of_role(member.role)
                if not member.is_partners
                else of_partner(member.role, member.areas)
            )
        return cls(permissions, by_role, is_partners)
