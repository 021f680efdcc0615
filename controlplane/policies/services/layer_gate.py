"""What has to be true before rules that bind many tenants come into force.

Somebody else than their author approved them. Where the platform asks for that only past a
threshold (`LAYERS_NEED_APPROVAL` is off), no tenant of theirs may have more of its decisions turned
over than its own terms say.

Whoever is the only one who could approve publishes alone, and never unseen: a simulation of just
these rules is there, and the reason is written into the trail. Past a tenant's threshold a
partner's only person has the platform approve them, and the platform's only person sleeps on it.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError, FieldError
from controlplane.policies.models import LayerVersion, VersionStatus
from controlplane.policies.services.decisions import key_of
from controlplane.policies.services.layer_flips import (
    LayerShare,
    SimulationNeeded,
    layer_shares,
    shares_of_last_run,
)
from controlplane.policies.services.publishing import TooManyFlips
from tenants.access import partners_people
from tenants.permissions import PartnerPermission

SHORTEST_REASON = 15
SLEPT_ON = timedelta(days=1)
_NAMED = 5


class ApprovalNeeded(DomainError):
    code = "layer_approval_needed"
    status = 409
    title = "Somebody else has to approve first"


class OthersMayApprove(DomainError):
    code = "layer_others_may_approve"
    status = 409
    title = "You are not the only one"


class AloneWithoutReason(DomainError):
    code = "layer_alone_without_reason"
    status = 422
    title = "Publishing alone needs a reason"


def assert_may_publish(
    version: LayerVersion, *, alone: bool = False, note: str = "", by: Actor
) -> dict[str, Any]:
    """Returns what the trail says of it beside who and why.

    Raises ApprovalNeeded, TooManyFlips, SimulationNeeded and, of those who say that they are alone,
    OthersMayApprove, AloneWithoutReason.
    """
    if version.status == VersionStatus.APPROVED:
        return {}
    if alone:
        return _alone(version, note, by)
    if layers_need_approval():
        asked = (
            "Ask a colleague."
            if others_who_may_approve(version, by=by)
            else "Nobody else may: simulate it, then publish it alone and say why."
        )
        raise ApprovalNeeded(
            f"{version} binds many tenants, so somebody else than its author approves it first. "
            f"{asked}"
        )
    if over := [share for share in layer_shares(version) if share.is_over]:
        raise TooManyFlips(
            f"{version} turns over too much: {_told(over)}. Have somebody else approve it, or "
            "change the rules."
        )
    return {}


def layers_need_approval() -> bool:
    """Whether the platform wants a second person for all rules that bind many."""
    return bool(settings.LAYERS_NEED_APPROVAL)


def authors_of(version: LayerVersion) -> set[str]:
    """The keys of those who wrote it or handed it in."""
    return {
        step.get("by_id", "")
        for step in version.steps
        if step["status"] in {VersionStatus.DRAFT, VersionStatus.REVIEW}
    }


def others_who_may_approve(version: LayerVersion, *, by: Actor) -> list[str]:
    """Names of those who may, besides `by` and its authors. For a partner's person these are the
    partner's own people; the platform's admins look at everybody's rules.
    """
    partner = version.policy.partner
    people = partners_people(PartnerPermission.APPROVE_RULES, partner) if partner else []
    if partner is None or _is_platforms(by):
        people += _admins()
    besides = {*authors_of(version), key_of(by)}
    return sorted(
        {
            person.get_full_name() or person.get_username()
            for person in people
            if f"{ActorKind.MEMBER.value}:{person.pk}" not in besides
        }
    )


def _alone(version: LayerVersion, note: str, by: Actor) -> dict[str, Any]:
    if by.kind is not ActorKind.MEMBER:
        raise ApprovalNeeded(f"Only a person publishes {version} alone.")
    if others := others_who_may_approve(version, by=by):
        named = ", ".join(others[:_NAMED])
        raise OthersMayApprove(f"{named} may approve {version}. Ask one of them instead.")
    if len(note.strip()) < SHORTEST_REASON:
        raise AloneWithoutReason(
            f"Say in at least {SHORTEST_REASON} characters why {version} has to bind now, without "
            "anybody else having read it: the trail keeps it.",
            errors=(FieldError("note", "is too short"),),
        )
    run, shares = shares_of_last_run(version)
    if run is None:
        raise SimulationNeeded(
            f"Nobody else reads {version}, so simulate it first: a simulation of just these rules, "
            "not older than a day, has to have gone through."
        )
    if over := [share for share in shares if share.is_over]:
        _assert_slept_on(version, over, by)
    return {
        "alone": True,
        "simulation": str(run.pk),
        "over": {share.tenant: f"{share.percent} %" for share in over},
    }


def _assert_slept_on(version: LayerVersion, over: list[LayerShare], by: Actor) -> None:
    told = f"{version} turns over too much to be published alone at once: {_told(over)}."
    if not _is_platforms(by):
        raise TooManyFlips(f"{told} Ask the platform's administrators to approve it.")
    handed_in = next(
        parse_datetime(step["at"])
        for step in version.steps
        if step["status"] == VersionStatus.REVIEW
    )
    assert handed_in is not None  # written by `isoformat`
    if (due := handed_in + SLEPT_ON) > timezone.now():
        raise TooManyFlips(f"{told} Sleep on it: from {due:%Y-%m-%d %H:%M} UTC on you may.")


def _admins() -> list[User]:
    found = User.objects.with_perm(
        "policies.view_layerversion", backend="django.contrib.auth.backends.ModelBackend"
    )
    return list(found.filter(is_staff=True).order_by("pk"))


def _is_platforms(by: Actor) -> bool:
    return by.id.isdigit() and any(str(admin.pk) == by.id for admin in _admins())


def _told(over: list[LayerShare]) -> str:
    named = "; ".join(
        f"{share.flips} of {share.judged} decisions ({share.percent} %) in {share.tenant}, whose "
        f"threshold is {share.threshold.normalize():f} %"
        for share in over[:_NAMED]
    )
    return f"{named}; and {len(over) - _NAMED} tenants more" if len(over) > _NAMED else named
