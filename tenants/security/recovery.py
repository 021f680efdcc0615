"""Letting somebody in again who lost every second factor and every recovery code."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.db import transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor


@transaction.atomic
def reset_factors(*, user: User, by: Actor) -> int:
    """Takes all factors away and ends the sessions; the password alone lets in then.

    Returns how many factors went; with none, nothing is done. Whoever asks for it must have been
    recognised by other means: this is what somebody who knows the password would ask for.
    """
    factors = Authenticator.objects.filter(user=user)
    types = sorted(factors.values_list("type", flat=True))
    if not types:
        return 0
    factors.delete()
    for session in UserSession.objects.filter(user=user):
        session.end()
    record(
        action="person.factors_reset",
        subject_type="user",
        subject_id=str(user.pk),
        data={"types": types},
        by=by,
    )
    return len(types)
