"""How long it is remembered what was odd, and from where people and keys came."""

from datetime import timedelta

from django.utils import timezone

from tenants.models import KnownNetwork, SecurityEvent

EVENTS_KEPT_FOR = timedelta(days=180)
# A network that nobody came from for so long is new again.
NETWORKS_KEPT_FOR = timedelta(days=180)


def forget_old() -> int:
    """Returns how many rows went."""
    now = timezone.now()
    events, _each = SecurityEvent.objects.filter(last_at__lt=now - EVENTS_KEPT_FOR).delete()
    networks, _each = KnownNetwork.objects.filter(last_seen_at__lt=now - NETWORKS_KEPT_FOR).delete()
    return events + networks
