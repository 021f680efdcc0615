"""A simulation as bars: verdicts before and after, and money that would be held or released."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django.utils.translation import gettext_lazy as _

from controlplane.core.money import Money
from controlplane.policies.models.policies import VERDICTS

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
