"""Quantities by order line, summed over lines, deliveries and earlier invoices.

A line or a receipt may belong to several order lines of one item. Then no single order line can be
charged with it, but all of them together can: what is invoiced *within* a set of order lines must
not be more than what was ordered there, nor more than what can have been received there.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, wraps
from typing import Any, TypeVar

from controlplane.invoices.matching.papers import ZERO

Keys = frozenset[str]
Answer = TypeVar("Answer")
Amounts = Sequence[tuple[Decimal, Keys]]


def _remembered(method: Callable[[Any, Keys], Answer]) -> Callable[[Any, Keys], Answer]:
    """Asked again of the same lines, as for each line of one item, it is not added up again."""
    name = f"_{method.__name__}"

    @wraps(method)
    def remembering(self: Any, keys: Keys) -> Answer:
        known: dict[Keys, Answer] = self.__dict__.setdefault(name, {})
        if keys not in known:
            known[keys] = method(self, keys)
        return known[keys]

    return remembering


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """`ordered` and `before` by order line; the others by the set that each may belong to."""

    invoiced: Amounts
    received: Amounts
    announced: Amounts
    ordered: Mapping[str, Decimal]
    before: Mapping[str, Decimal]

    @_remembered
    def invoiced_at(self, keys: Keys) -> Decimal:
        return sum((self.invoiced[at][0] for at in self.within(keys)), start=ZERO)

    @_remembered
    def received_at(self, keys: Keys) -> Decimal:
        touching = _at(self._received_by_key, keys)
        return sum((self.received[at][0] for at in touching), start=ZERO)

    @_remembered
    def announced_at(self, keys: Keys) -> Decimal | None:
        """None where the supplier announced nothing."""
        touching = _at(self._announced_by_key, keys)
        return sum((self.announced[at][0] for at in touching), start=ZERO) if touching else None

    @_remembered
    def ordered_at(self, keys: Keys) -> Decimal:
        return sum((self.ordered[key] for key in keys), start=ZERO)

    @_remembered
    def before_at(self, keys: Keys) -> Decimal:
        return sum((self.before.get(key, ZERO) for key in keys), start=ZERO)

    @_remembered
    def within(self, keys: Keys) -> list[int]:
        """Which of the invoice's lines cannot belong anywhere else."""
        return [at for at in _at(self._invoiced_by_key, keys) if self.invoiced[at][1] <= keys]

    def sets(self) -> Iterator[Keys]:
        """Each set that a line belongs to, and all that overlap taken together."""
        own = {keys for _amount, keys in self.invoiced if keys}
        yield from sorted(own, key=sorted)
        shared = {keys for _amount, keys in [*self.invoiced, *self.received] if len(keys) > 1}
        invoiced = {key for keys in own for key in keys}
        together = [keys for keys in _joined(shared) if keys not in own and keys & invoiced]
        yield from sorted(together, key=sorted)

    @cached_property
    def _invoiced_by_key(self) -> Mapping[str, list[int]]:
        return _by_key(self.invoiced)

    @cached_property
    def _received_by_key(self) -> Mapping[str, list[int]]:
        return _by_key(self.received)

    @cached_property
    def _announced_by_key(self) -> Mapping[str, list[int]]:
        return _by_key(self.announced)


def _by_key(amounts: Amounts) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for at, (_amount, keys) in enumerate(amounts):
        for key in keys:
            found[key].append(at)
    return found


def _at(by_key: Mapping[str, list[int]], keys: Keys) -> list[int]:
    """Each once, in the order in which they were given."""
    return sorted({at for key in keys for at in by_key.get(key, ())})


def _joined(sets: Iterable[Keys]) -> Iterator[Keys]:
    """Sets that share a key become one, however long the chain between them is."""
    leader: dict[str, str] = {}

    def lead(key: str) -> str:
        while (above := leader.setdefault(key, key)) != key:
            leader[key] = leader[above]
            key = above
        return key

    for keys in sets:
        first, *others = keys
        for key in others:
            leader[lead(key)] = lead(first)
    groups: dict[str, set[str]] = defaultdict(set)
    for key in list(leader):
        groups[lead(key)].add(key)
    return map(frozenset, groups.values())
