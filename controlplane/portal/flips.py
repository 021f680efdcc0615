"""A simulation as bars: verdicts before and after, and money that would be held or released."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django.utils.translation import gettext_lazy as _

from controlplane.core.money import Money
from controlplane.policies.models import LayerSimulationPart
from controlplane.policies.models.policies import VERDICTS

MOST_BARS = 20
HELD, RELEASED = _("Would be held"), _("Would be released")


@dataclass(frozen=True)
class FlipBar:
    """`width` in percent of the widest, as text; `kind` names its colour in portal.css."""

    group: Any
    label: Any
    value: Any
    width: str
    kind: str


def verdict_bars(counts: Mapping[str, int]) -> list[FlipBar]:
    """For each verdict how many decisions had it, and how many would have."""
    before = dict.fromkeys((value for value, _label in VERDICTS), 0)
    after = dict(before)
    for pair, count in counts.items():
        was, _sep, would = pair.partition(">")
        before[was] += count
        after[would] += count
    widest = max([*before.values(), *after.values(), 1])
    bars = []
    for value, label in VERDICTS:
        old, new = before[value], after[value]
        bars.append(FlipBar(label, _("was"), old, percent_of(old, widest), "before"))
        bars.append(FlipBar("", _("would be"), new, percent_of(new, widest), "invoiced"))
    return bars


def money_bars(money: Mapping[str, Mapping[str, int]]) -> list[FlipBar]:
    """For each currency, on a scale of its own."""
    bars = []
    for currency, sums in sorted(money.items()):
        widest = max(sums["held"], sums["released"], 1)
        for name, key, kind in ((HELD, "held", "tolerated"), (RELEASED, "released", "received")):
            group = currency if key == "held" else ""
            width = percent_of(sums[key], widest)
            bars.append(FlipBar(group, name, in_money(sums[key], currency), width, kind))
    return bars


def in_money(minor: int, currency: str) -> Money:
    return Money(Decimal(minor).scaleb(-get_currency_precision(currency)), currency)


def percent_of(value: int, widest: int) -> str:
    """Of the widest bar, as an SVG's width takes it."""
    return str((Decimal(100) * max(value, 0) / widest).quantize(Decimal("0.01")))


@dataclass(frozen=True)
class Trial:
    """Rules for many over the history of several tenants: sums, and the tenants beside each other.

    `money` is of those tenants alone in which the reader may see customer data.
    """

    tenants: int
    done: int
    judged: int
    flips: int
    approvals: int
    spared: int
    over: int
    percent_done: int
    verdicts: list[FlipBar]
    by_tenant: list[FlipBar]
    money: list[FlipBar]
    _money: Mapping[Any, Mapping[str, Mapping[str, int]]]

    def money_of(self, tenant_id: Any) -> list[tuple[Money, Money]]:
        """What would be held and released there, for each currency."""
        return [
            (in_money(sums["held"], currency), in_money(sums["released"], currency))
            for currency, sums in sorted(self._money.get(tenant_id, {}).items())
        ]


def trial_of(
    parts: Sequence[LayerSimulationPart],
    money: Mapping[Any, Mapping[str, Mapping[str, int]]],
) -> Trial:
    counts: Counter[str] = Counter()
    sums: dict[str, dict[str, int]] = {}
    for part in parts:
        counts.update(part.counts)
    for found in money.values():
        for currency, moved in found.items():
            total = sums.setdefault(currency, {"held": 0, "released": 0})
            for key, minor in moved.items():
                total[key] += minor
    ended = [part for part in parts if part.status not in {"queued", "running"}]
    # What is not begun counts as nothing done, whose size nobody knows yet.
    progress = [
        Decimal(1) if part in ended else Decimal(part.done) / (part.total or 1) for part in parts
    ]
    widest = sorted(parts, key=lambda part: (-part.percent, str(part.tenant)))[:MOST_BARS]
    most = max([*(part.percent for part in widest), Decimal(1)])
    return Trial(
        tenants=len(parts),
        done=len(ended),
        judged=sum(part.done for part in parts),
        flips=sum(part.flips for part in parts),
        approvals=sum(part.approvals for part in parts),
        spared=sum(part.spared for part in parts),
        over=sum(part.is_over for part in parts),
        percent_done=int(100 * sum(progress) / len(parts)) if parts else 100,
        verdicts=verdict_bars(counts),
        by_tenant=[_tenant_bar(part, most) for part in widest if part.flips],
        money=money_bars(sums),
        _money=money,
    )


def _tenant_bar(part: LayerSimulationPart, most: Decimal) -> FlipBar:
    kind = "tolerated" if part.is_over else "received"
    width = str((100 * part.percent / most).quantize(Decimal("0.01")))
    return FlipBar("", part.tenant, part.percent, width, kind)
