"""What allauth tells of, noted."""

from typing import Any

from allauth.mfa.signals import authentication_failed
from django.dispatch import receiver

from tenants.models import SecurityEvent
from tenants.security.events import note
from tenants.security.networks import network_behind


@receiver(authentication_failed)
def note_failed_factor(sender: Any, request: Any, user: Any, **_: Any) -> None:
    kind = SecurityEvent.Kind.FAILED_FACTOR
    note(kind, tenant=request.tenant, user=user, network=network_behind(request))
