"""The life of an engagement: begun, its ownership changed, the lead handed over, ended.

Each change stands in the tenant's own audit trail, committed with it. Called outside of a tenant,
since these are shared rows; `inside` is entered last, for the entry.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.audit.changes import record_change
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from tenants.context import inside
from tenants.models import ApiKey, Engagement, Ownership, Partner, Tenant

Area = Ownership.Area


class AlreadyEngaged(DomainError):
    code = "partner_engaged"
    status = 409
    title = "The partner is engaged there already"


class NotEngaged(DomainError):
    code = "partner_not_engaged"
    status = 409
    title = "The partner is not engaged there"


class LeadStays(DomainError):
    code = "engagement_leads"
    status = 409
    title = "The leading partner stays until another leads"


def let_lead(*, partner: Partner, tenant: Tenant) -> None:
    """A new tenant's first engagement, which owns everything; changes nothing on a rerun.

    Not audited: the schema, and so the trail, is only being made.
    """
    with transaction.atomic():
        engagement, created = Engagement.objects.get_or_create(
            partner=partner, tenant=tenant, defaults={"is_lead": True}
        )
        if created:
            _own(engagement, Area.values)


@transaction.atomic
def engage_partner(
    *,
    partner: Partner,
    tenant: Tenant,
    owns: Collection[str] = (),
    is_lead: bool = False,
    by: Actor,
) -> Engagement:
    """Its members come in from the next request on. Areas are taken from who owned them.

    Raises AlreadyEngaged.
    """
    _lock(tenant)
    if Engagement.objects.filter(partner=partner, tenant=tenant).exists():
        raise AlreadyEngaged(
            f"{partner} is engaged at {tenant}. Change what it owns there instead."
        )
    engagement = Engagement.objects.create(partner=partner, tenant=tenant)
    _note("engagement.started", engagement, {}, _state(engagement), by)
    change_ownership(tenant=tenant, owners=dict.fromkeys(owns, engagement), by=by)
    if is_lead:
        hand_over_lead(engagement=engagement, by=by)
    return engagement


@transaction.atomic
def change_ownership(*, tenant: Tenant, owners: Mapping[str, Engagement | None], by: Actor) -> None:
    """Each area that is named goes to its new owner, or to nobody; the others stay as they are.

    Raises NotEngaged for an engagement of another tenant.
    """
    _lock(tenant)
    for named in filter(None, owners.values()):
        if named.tenant_id != tenant.pk:
            raise NotEngaged(f"{named.partner} is not engaged at {tenant}. Engage it first.")
    engagements = list(Engagement.objects.filter(tenant=tenant).select_related("partner"))
    before = {each.pk: _state(each) for each in engagements}
    present = dict(Ownership.objects.filter(tenant=tenant).values_list("area", "engagement_id"))
    changed = {
        area: owner
        for area, owner in owners.items()
        if present.get(area) != (owner.pk if owner else None)
    }
    Ownership.objects.filter(tenant=tenant, area__in=changed).delete()
    for area, owner in changed.items():
        if owner is not None:
            _own(owner, [area])
    for each in engagements:
        _note("engagement.changed", each, before[each.pk], _state(each), by)


@transaction.atomic
def hand_over_lead(*, engagement: Engagement, by: Actor) -> None:
    """The tenant sees this partner's brand from now on. What anybody owns stays as it is."""
    _lock(engagement.tenant)
    former = (
        Engagement.objects.filter(tenant=engagement.tenant_id, is_lead=True)
        .exclude(pk=engagement.pk)
        .first()
    )
    # The one before goes first: a tenant has one lead at every moment, says the database.
    for row, leads in ((former, False), (engagement, True)):
        if row is None or row.is_lead == leads:
            continue
        before = _state(row)
        row.is_lead = leads
        row.save(update_fields=["is_lead", "updated_at"])
        _note("engagement.changed", row, before, _state(row), by)


@transaction.atomic
def end_engagement(*, engagement: Engagement, by: Actor) -> int:
    """The partner is out with the commit: its members' sessions and links, and its keys.

    Doors ask for the engagement at every request, so a session needs no ending of its own.
    Returns how many keys were revoked. Raises LeadStays.
    """
    tenant = engagement.tenant
    _lock(tenant)
    # Whoever issues a key for the partner holds the engagement: none comes in behind the revoking.
    locked = Engagement.objects.select_for_update().get(pk=engagement.pk)
    if locked.is_lead:
        raise LeadStays(
            f"{engagement.partner} leads {tenant}, whose brand it wears. Hand the lead over to "
            "another partner first, then end this engagement."
        )
    before = _state(engagement)
    revoked = ApiKey.objects.filter(
        partner=engagement.partner_id,
        tenant__in=[tenant.pk, *tenant.sandboxes.values_list("pk", flat=True)],
        revoked_at__isnull=True,
    ).update(revoked_at=timezone.now())
    with inside(tenant):
        record_change(
            action="engagement.ended",
            row=engagement,
            before=before,
            after={"keys_revoked": revoked},
            by=by,
        )
    engagement.delete()
    return revoked


def _own(engagement: Engagement, areas: Collection[str]) -> None:
    Ownership.objects.bulk_create(
        Ownership(engagement=engagement, tenant_id=engagement.tenant_id, area=area)
        for area in areas
    )


def _lock(tenant: Tenant) -> None:
    """Two changes of one tenant's engagements come one after the other."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)


def _state(engagement: Engagement) -> dict[str, Any]:
    """As the audit trail tells it."""
    areas = engagement.ownerships.order_by("area").values_list("area", flat=True)
    return {
        "partner": engagement.partner.slug,
        "is_lead": engagement.is_lead,
        "owns": list(areas),
    }


def _note(
    action: str, engagement: Engagement, before: dict[str, Any], after: dict[str, Any], by: Actor
) -> None:
    with inside(engagement.tenant):
        record_change(action=action, row=engagement, before=before, after=after, by=by)
