"""Quantities by order line, summed over lines, deliveries and earlier invoices.

A line or a receipt may belong to several order lines of one item. Then no single order line can be
charged with it, but all of them together can: what is invoiced *within* a set of order lines must
not be more than what was ordered there, nor more than what can have been received there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from controlplane.invoices.matching.papers import ZERO

Keys = frozenset[str]
Amounts = Sequence[tuple[Decimal, Keys]]


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """`ordered` and `before` by order line; the others by the set that each may belong to."""

    invoiced: Amounts
    received: Amounts
    announced: Amounts
    ordered: Mapping[str, Decimal]
    before: Mapping[str, Decimal]

    def invoiced_at(self, keys: Keys) -> Decimal:
        return sum((amount for amount, own in self.invoiced if own and own <= keys), start=ZERO)

    def received_at(self, keys: Keys) -> Decimal:
        return sum((amount for amount, own in self.received if own & keys), start=ZERO)

    def announced_at(self, keys: Keys) -> Decimal | None:
        """None where the supplier announced nothing."""
        told = [amount for amount, own in self.announced if own & keys]
        return sum(told, start=ZERO) if told else None

    def ordered_at(self, keys: Keys) -> Decimal:
        return sum((self.ordered[key] for key in keys), start=ZERO)

    def before_at(self, keys: Keys) -> Decimal:
        return sum((self.before.get(key, ZERO) for key in keys), start=ZERO)

    def sets(self) -> Iterator[Keys]:
        """Each set that a line belongs to, and all that overlap taken together."""
        own = {keys for _amount, keys in self.invoiced if keys}
        yield from sorted(own, key=sorted)
        shared = own | {keys for _amount, keys in self.received if len(keys) > 1}
        together: list[Keys] = []
        for keys in shared:
            touching = [each for each in together if each & keys]
            together = [each for each in together if not each & keys]
            together.append(keys.union(*touching))
        invoiced = {key for keys in own for key in keys}
        yield from sorted((k for k in together if k not in own and k & invoiced), key=sorted)
