"""Signing how a chain stands, so that whoever rewrites it later, hashes and all, is found.

A checkpoint is a row beside the chain, and whoever may delete entries may delete it too. That the
end was cut off along with its checkpoints is proven only by one that lies elsewhere: in an export,
or where AUDIT_SINK sends each.
"""

import base64
from collections.abc import Callable

import rfc8785
from django.conf import settings
from django.db import connection, transaction

from controlplane.audit import signing
from controlplane.audit.models import GENESIS, Checkpoint, Entry
from controlplane.audit.verification import ChainState, verify_chain
from controlplane.audit.verifier import WITNESS
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit

MOST_ENTRIES = 1000
"""Entries that one checkpoint witnesses; where there are more, several follow one another."""

# The table's oid is the tenant's own, so tenants do not wait for one another; nobody who writes
# entries waits either.
LOCK = "SELECT pg_advisory_xact_lock('audit_checkpoint'::regclass::oid::bigint)"

_names: list[Callable[[], str]] = [lambda: "platform"]


class ChainBroken(DomainError):
    code = "audit_chain_broken"
    status = 409
    title = "The audit chain does not hold"

    def __init__(self, state: ChainState) -> None:
        super().__init__(
            f"Entry {state.broken_at} is not what it should be: {state.reason}. Nothing was signed "
            "or taken away. Compare the chain with a backup."
        )
        self.state = state


def name_chains(name: Callable[[], str]) -> None:
    """From AppConfig.ready: what the chain that is entered is called in its first checkpoint."""
    _names[0] = name


def make_checkpoint(
    made_for: Checkpoint.MadeFor = Checkpoint.MadeFor.SCHEDULE, *, base: Entry | None = None
) -> Checkpoint | None:
    """Sign the chain that is entered up to its last entry. The newest one where nothing is new.

    `base`: an entry that may be taken away now, with all before it. None of an empty chain.
    Raises ChainBroken, and signs nothing, where what came since the last one does not follow it.
    """
    while True:
        checkpoint, is_whole = _make_one(made_for, base)
        if is_whole:
            return checkpoint


@transaction.atomic
def _make_one(made_for: Checkpoint.MadeFor, base: Entry | None) -> tuple[Checkpoint | None, bool]:
    """One, of at most MOST_ENTRIES, and whether it reaches the end of the chain."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
    last = Checkpoint.objects.order_by("-number").first()
    since = Entry.objects.filter(sequence__gt=last.sequence if last else 0).order_by("sequence")
    entries = list(since[: MOST_ENTRIES + 1])
    is_whole = len(entries) <= MOST_ENTRIES
    entries = entries[:MOST_ENTRIES]
    _assert_follows(entries, last)
    if not is_whole:
        base = None
    if not entries and (last is None or base is None or base.sequence <= last.base_sequence):
        return last, True
    head = entries[-1] if entries else None
    before = (last.base_sequence, last.base_head) if last else (0, GENESIS)
    base_sequence, base_head = (base.sequence, base.hash) if base else before
    sequence = head.sequence if head else last.sequence  # type: ignore[union-attr]  # one is there
    checkpoint = Checkpoint(
        number=last.number + 1 if last else 1,
        chain=last.chain if last else _names[0](),
        made_for=made_for,
        sequence=sequence,
        head=head.hash if head else last.head,  # type: ignore[union-attr]
        entries=sequence - base_sequence,
        base_sequence=base_sequence,
        base_head=base_head,
        witness="".join(entry.hash[:WITNESS] for entry in entries),
        previous=last.digest() if last else GENESIS,
    )
    _sign(checkpoint)
    checkpoint.save(force_insert=True)
    if settings.AUDIT_SINK:
        enqueue_on_commit("audit.send_checkpoint", number=checkpoint.number)
    return checkpoint, is_whole


def _assert_follows(entries: list[Entry], last: Checkpoint | None) -> None:
    """Nothing is signed that was tampered with before it was signed, as far as one can see."""
    expected, previous = (last.sequence + 1, last.head) if last else (1, GENESIS)
    if last and not Entry.objects.filter(sequence=last.sequence, hash=last.head).exists():
        raise ChainBroken(verify_chain())
    for entry in entries:
        follows = entry.sequence == expected and entry.previous_hash == previous
        if not follows or entry.computed_hash() != entry.hash:
            raise ChainBroken(verify_chain())
        expected, previous = expected + 1, entry.hash


def _sign(checkpoint: Checkpoint) -> None:
    checkpoint.public_key = signing.public_key()
    checkpoint.key_id = signing.key_id(checkpoint.public_key)
    signature = signing.signing_key().sign(rfc8785.dumps(checkpoint.content()))
    checkpoint.signature = base64.b64encode(signature).decode()
