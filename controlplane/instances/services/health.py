"""Asking instances how they are, and keeping the answers."""

import time
from concurrent.futures import ThreadPoolExecutor, wait

from django.utils import timezone

from controlplane.core.logs import get_logger
from controlplane.instances.measures import CHECKED
from controlplane.instances.models import Instance
from controlplane.instances.probe import Health, probe

PROBES_AT_ONCE = 8
PROBES_SECONDS = 45.0

log = get_logger(__name__)


def check_health(instance: Instance) -> Instance:
    """Ask it now and store the answer."""
    return _store(instance, _timed(instance))


def check_all_health() -> None:
    """Every instance, several at once: one that hangs holds up neither the others nor us."""
    pool = ThreadPoolExecutor(PROBES_AT_ONCE, thread_name_prefix="health")
    probes = {pool.submit(_timed, instance): instance for instance in Instance.objects.all()}
    done, late = wait(probes, timeout=PROBES_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    for future in done:
        _store(probes[future], future.result())
    for future in late:
        detail = f"It gave no full answer within {PROBES_SECONDS:.0f} s."
        _store(probes[future], Health(Instance.Health.DOWN, detail))


def _timed(instance: Instance) -> Health:
    began = time.monotonic()
    found = probe(instance.base_url, instance.owner_key)
    CHECKED.observe(time.monotonic() - began, instance.pk)
    return found


def _store(instance: Instance, found: Health) -> Instance:
    if instance.health != found.status:
        log.info("instance health", instance=instance.name, health=found.status)
    instance.health, instance.health_detail = found.status, found.detail[:500]
    instance.version = found.version or instance.version
    instance.health_checked_at = timezone.now()
    instance.save(
        update_fields=["health", "health_detail", "version", "health_checked_at", "updated_at"]
    )
    return instance
