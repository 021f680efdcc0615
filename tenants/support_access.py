"""Support access: a platform admin inside a tenant, with a reason, for a time, seen by the tenant.

An entry opens two ways, and both ask for it again on every request. The tenant's admin stands on
the platform's host, so the entry of the one who is logged in is looked up. The portal stands on the
tenant's host, where the admin has no session: a link that works once starts one that is bound to
the entry. Nobody becomes somebody else: what is done carries the admin's own name.
"""

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import cast
from urllib.parse import urlencode

from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from controlplane.audit.changes import record_change, snapshot
from controlplane.audit.services import record
from controlplane.core.actor import Actor, ActorKind, system
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from tenants.context import inside, outside
from tenants.models import Member, SupportEntry, Tenant
from tenants.permissions import Grant

MINUTES = (15, 30, 60, 120)
LINK_SECONDS = 60
"""Time to follow the one-time link."""
_SALT = "tenants.support_access"
_SESSION_KEY = "support_entry"


class AlreadyInside(DomainError):
    code = "support_access_open"
    status = 409
    title = "Support access is open already"


class SupportEnded(DomainError):
    code = "support_access_ended"
    status = 403
    title = "Support access has ended"


class LinkRefused(DomainError):
    code = "support_link_refused"
    status = 403
    title = "The link was refused"


@transaction.atomic
def enter_tenant(
    *, user: User, tenant: Tenant, reason: str, minutes: int, as_role: str, by: Actor
) -> SupportEntry:
    """Open an entry, tell the tenant's managers by mail, write it into both audit chains.

    Raises AlreadyInside, ValidationError for a reason or a time that is not offered.
    """
    _close(SupportEntry.objects.filter(user=user, tenant=tenant, expires_at__lte=timezone.now()))
    if open_entry(user, tenant) is not None:
        raise AlreadyInside(f"You are in {tenant} already. Leave before you enter anew.")
    now = timezone.now()
    entry = SupportEntry(
        user=user,
        person=user.get_full_name() or user.get_username(),
        tenant=tenant,
        reason=reason.strip(),
        as_role=as_role,
        started_at=now,
        expires_at=now + timedelta(minutes=minutes),
    )
    entry.full_clean()
    entry.save(force_insert=True)
    enqueue_on_commit("tenants.mail_support_entered", entry_id=str(entry.pk))
    _record("support.entered", entry, before={}, by=by)
    return entry


def portal_link(entry: SupportEntry) -> str:
    """The address that brings its admin into the portal once, within a minute."""
    token = TimestampSigner(salt=_SALT).sign(f"{entry.pk}~{secrets.token_urlsafe(16)}")
    SupportEntry.objects.filter(pk=entry.pk).update(link_sha256=_digest(token))
    query = urlencode({"token": token})
    return f"{entry.tenant.portal_url}/support-access/enter/?{query}"


def follow_link(request: HttpRequest, token: str) -> SupportEntry:
    """Use the link up and start a session that ends with its entry. Raises LinkRefused."""
    refused = LinkRefused(
        "This link was used already, is too old or is of another tenant. Go back to the admin and "
        "open the portal from there."
    )
    try:
        signed = TimestampSigner(salt=_SALT).unsign(token, max_age=LINK_SECONDS)
        entry_id = uuid.UUID(signed.partition("~")[0])
    except (BadSignature, ValueError):
        raise refused from None
    entries = _of_admins().filter(pk=entry_id, tenant=_tenant(request), link_sha256=_digest(token))
    # One statement: of two that come at once, one finds it.
    if not entries.update(link_sha256=""):
        raise refused
    entry = SupportEntry.objects.select_related("user").get(pk=entry_id)
    login(request, cast(User, entry.user), "django.contrib.auth.backends.ModelBackend")
    request.session[_SESSION_KEY] = str(entry.pk)
    return entry


def visitor(request: HttpRequest) -> Member | None:
    """Who came by such a link, with the role that was asked for; None for everybody else.

    Raises SupportEnded: such a session is nobody's once its entry is over.
    """
    entry_id = request.session.get(_SESSION_KEY)
    if entry_id is None:
        return None
    tenant, user = _tenant(request), cast(User, request.user)  # a session has a user
    entry = _of_admins().filter(pk=entry_id, tenant=tenant, user=user).first()
    if entry is None:
        raise SupportEnded(
            f"Your support access to {tenant} has ended. Ask for it anew in the platform's admin."
        )
    member = Member(user=user, tenant=tenant.customer, role=entry.as_role)
    member.visit = entry
    member.grant = Grant.of([member])
    return member


def open_entry(user: User, tenant: Tenant) -> SupportEntry | None:
    """The entry that lets this admin into this tenant now."""
    return _of_admins().filter(user=user, tenant=tenant).select_related("tenant").first()


def open_entries_of(tenant: Tenant) -> list[SupportEntry]:
    """Who is in the tenant now, for its people to see."""
    with outside():
        return list(SupportEntry.objects.open().filter(tenant=tenant))


def leave_portal(request: HttpRequest) -> None:
    """End the entry of this session, and the session. Does nothing to any other session."""
    entry_id = request.session.get(_SESSION_KEY)
    if entry_id is None:
        return
    for entry in SupportEntry.objects.filter(pk=entry_id, tenant=_tenant(request)):
        by = Actor(ActorKind.MEMBER, str(request.user.pk), f"{entry.person} (platform support)")
        end_entry(entry=entry, by=by)
    logout(request)


@transaction.atomic
def end_entry(*, entry: SupportEntry, by: Actor) -> bool:
    """Shut it now, by its own admin or another. False where it had ended before."""
    if not entry.is_open:
        return False
    action = "support.left" if by.id == str(entry.user_id) else "support.ended"
    return _end(entry, action, by=by)


def close_overdue() -> int:
    """Write down which entries have expired; they let nobody in since. Returns how many."""
    return _close(SupportEntry.objects.filter(expires_at__lte=timezone.now()))


def _close(entries: QuerySet[SupportEntry]) -> int:
    by = system("support access")
    overdue = entries.filter(ended_at__isnull=True).select_related("tenant")
    return sum(_end(entry, "support.expired", by=by) for entry in overdue)


@transaction.atomic
def _end(entry: SupportEntry, action: str, *, by: Actor) -> bool:
    before = snapshot(entry)
    entry.ended_at = min(timezone.now(), entry.expires_at)
    entry.ended_by = by.label
    changed = SupportEntry.objects.filter(pk=entry.pk, ended_at__isnull=True).update(
        ended_at=entry.ended_at, ended_by=entry.ended_by, link_sha256=""
    )
    if changed:
        entry.link_sha256 = ""
        _record(action, entry, before=before, by=by)
    return bool(changed)


def _record(action: str, entry: SupportEntry, *, before: dict[str, object], by: Actor) -> None:
    """In the tenant's chain for its people, in the platform's for ours."""
    with inside(entry.tenant):
        record(
            action=action,
            subject_type="support_entry",
            subject_id=str(entry.pk),
            data={
                "person": entry.person,
                "reason": entry.reason,
                "role": entry.as_role,
                "expires_at": entry.expires_at.isoformat(),
            },
            by=by,
        )
    record_change(action=action, row=entry, before=before, after=snapshot(entry), by=by)


def _of_admins() -> QuerySet[SupportEntry]:
    """Open ones of people who still are platform admins."""
    return SupportEntry.objects.open().filter(user__is_active=True, user__is_superuser=True)


def _tenant(request: HttpRequest) -> Tenant:
    """The host's; the middleware puts it on the request, whose type does not know of it."""
    tenant: Tenant = request.tenant  # type: ignore[attr-defined]
    return tenant


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
