"""Verifying the chain that is entered, by the code that auditors get (`verifier`)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from controlplane.audit import signing, verifier
from controlplane.audit.models import Checkpoint, Entry

AT_ONCE = 1000


@dataclass(frozen=True)
class ChainState:
    """`broken_at` is the first sequence that does not hold, and `reason` what is wrong there.

    `entries` counts what holds; `last` is the number of the last one of these, which is more where
    old ones were taken away.
    """

    entries: int
    head: str
    broken_at: int | None = None
    reason: str = ""
    last: int = 0
    checkpoints: int = 0
    warnings: tuple[str, ...] = ()


def verify_chain(
    *,
    using: str = "default",
    progress: Callable[[int], None] | None = None,
    by_any_key: bool = False,
) -> ChainState:
    """Walk the chain that is entered, by the connection called `using`, beside its checkpoints.

    `progress` is told the number of each thousandth entry. `by_any_key`: also where checkpoints
    were signed by another installation, whose key nobody has vouched for here.
    """
    while True:
        state, base = _walked(using, progress, by_any_key)
        # A purge meanwhile: what it took away is not missing.
        if state.broken_at is None or base == _base(using):
            return state


def _base(using: str) -> int:
    newest = Checkpoint.objects.using(using).order_by("-number")
    return newest.values_list("base_sequence", flat=True).first() or 0


def _walked(
    using: str, progress: Callable[[int], None] | None, by_any_key: bool
) -> tuple[ChainState, int]:
    """And the last entry that may be gone, as it was known before the first was read."""
    checkpoints = list(Checkpoint.objects.using(using).order_by("number"))
    lines = [each.as_line() for each in checkpoints]
    trusted = signing.own_public_keys()
    if by_any_key:
        trusted |= {each.public_key for each in checkpoints}
    marks, broken = verifier.read_marks(lines, trusted, verifies=_verifies)
    result = verifier.walk(_told(using, progress), marks)
    finding = min((each for each in (result.finding, broken) if each), default=None)
    state = ChainState(
        entries=result.entries,
        head=result.head,
        broken_at=finding.sequence if finding else None,
        reason=finding.reason if finding else "",
        last=result.last,
        checkpoints=len(marks),
        warnings=tuple(result.warnings),
    )
    return state, checkpoints[-1].base_sequence if checkpoints else 0


def line_of(entry: Entry) -> dict[str, Any]:
    """As it stands in an export."""
    return {"content": entry.content(), "hash": entry.hash}


def _told(using: str, progress: Callable[[int], None] | None) -> Iterator[dict[str, Any]]:
    entries = Entry.objects.using(using).order_by("sequence").iterator(chunk_size=AT_ONCE)
    for number, entry in enumerate(entries, start=1):
        if progress and number % AT_ONCE == 0:
            progress(number)
        yield line_of(entry)


def _verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
