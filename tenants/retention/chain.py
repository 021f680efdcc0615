"""The audit chain as a store of old data: of its beginning a signed checkpoint stays."""

from datetime import datetime
from typing import Any

from django.db import connections

from controlplane.audit.checkpoints import ChainBroken, make_checkpoint
from controlplane.audit.models import Checkpoint, Entry
from controlplane.audit.verification import verify_chain
from tenants.context import current_tenant
from tenants.retention.classes import BATCH


class ChainStore:
    """Entries from the first one on, up to one that is not old yet. The last entry always stays.

    Nothing goes of a chain that does not hold: that would take away what shows it.
    """

    def count(self, cutoff: datetime) -> int:
        end = _end(cutoff)
        return Entry.objects.filter(sequence__lte=end.sequence).count() if end else 0

    def remove_batch(self, cutoff: datetime) -> int:
        """Raises ChainBroken."""
        end = _end(cutoff)
        if end is None:
            return 0
        newest = Checkpoint.objects.order_by("-number").first()
        if newest is None or newest.base_sequence < end.sequence:
            state = verify_chain()
            if state.broken_at is not None:
                raise ChainBroken(state)
            # Committed before anything goes: who is interrupted has left more than was signed.
            make_checkpoint(Checkpoint.MadeFor.PURGE, base=end)
        old = Entry.objects.filter(sequence__lte=end.sequence).order_by("sequence")
        keys = list(old.values_list("pk", flat=True)[:BATCH])
        _remove_as_owner(keys)
        return len(keys)


def _end(cutoff: datetime) -> Entry | None:
    """The last of the old entries that stand at the beginning of the chain."""
    young = Entry.objects.filter(at__gte=cutoff).order_by("sequence").first()
    last = young or Entry.objects.order_by("-sequence").first()
    if last is None:
        return None
    return Entry.objects.filter(sequence__lt=last.sequence).order_by("-sequence").first()


def _remove_as_owner(keys: list[Any]) -> None:
    """The tenant's own role may delete no entry."""
    owner: Any = connections["owner"]
    owner.set_tenant(current_tenant())
    try:
        Entry.objects.using("owner").filter(pk__in=keys).delete()
    finally:
        owner.set_schema_to_public()
