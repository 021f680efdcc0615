"""A line's match as bars: ordered, received and invoiced on one scale."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

ZERO = Decimal(0)
MOST_LINES = 100


@dataclass(frozen=True)
class Piece:
    """A part of a bar, in percent of the scale; `kind` names its colour in portal.css.

    As text: a template would write a number with the reader's decimal comma.
    """

    kind: str
    x: str
    width: str


@dataclass(frozen=True)
class Bar:
    label: Any
    value: Decimal | None
    pieces: tuple[Piece, ...] = ()
    note: Any = ""
    note_value: Decimal | None = None


@dataclass(frozen=True)
class DrawnLine:
    """`line` is the match's own; `bars` draw its quantities, `price` how the prices differ."""

    line: dict[str, Any]
    bars: tuple[Bar, ...]
    price_change: Decimal | None
    over: Decimal | None

    @property
    def is_dearer(self) -> bool:
        return self.price_change is not None and self.price_change > 0


def drawn(match: dict[str, Any] | None) -> tuple[list[DrawnLine], int]:
    """The lines as drawn, and how many are left out; of very many, what does not fit is first."""
    if not match:
        return [], 0
    lines = match["lines"]
    if len(lines) > MOST_LINES:
        lines = sorted(lines, key=lambda line: line["verdict"] == "accept")[:MOST_LINES]
    return [_drawn(line, match["mode"]) for line in lines], len(match["lines"]) - len(lines)


def progress_bars(
    ordered: Decimal, received: Decimal, announced: Decimal | None, invoiced: Decimal
) -> tuple[Bar, ...]:
    """For a line of a purchase order: how much of it arrived and was invoiced so far."""
    scale = max(ordered, received, announced or ZERO, invoiced, ZERO)
    return (
        Bar(_("Ordered"), ordered, _pieces(scale, ("ordered", ordered))),
        Bar(_("Received"), received, _split(scale, "received", received, ordered)),
        Bar(_("Invoiced"), invoiced, _split(scale, "invoiced", invoiced, ordered)),
    )


def _drawn(line: dict[str, Any], mode: str) -> DrawnLine:
    invoiced, ordered = _number(line["invoiced"]), _number(line["ordered"])
    received, before = _number(line["received"]), _number(line["invoiced_before"]) or ZERO
    sizes = [abs(each) for each in (ordered, received, before + (invoiced or ZERO)) if each]
    scale = max(sizes, default=ZERO)
    limit = received if mode == "three_way" and received is not None else ordered
    held = line["verdict"] != "accept"
    bars = [Bar(_("Ordered"), ordered, _pieces(scale, ("ordered", abs(ordered or ZERO))))]
    if mode == "three_way" or received:
        bars.append(
            Bar(_("Received"), received, _pieces(scale, ("received", abs(received or ZERO))))
        )
    bars.append(_invoiced_bar(scale, before, invoiced, limit, held=held))
    price, agreed = _number(line["unit_price"]), _number(line["ordered_price"])
    change = None
    if price is not None and agreed and price != agreed:
        change = ((price - agreed) / agreed * 100).quantize(Decimal("0.01"))
    over = None
    if limit is not None and invoiced is not None and invoiced > 0:
        over = max(before + invoiced - limit, ZERO) or None
    return DrawnLine(line, tuple(bars), change, over)


def _invoiced_bar(
    scale: Decimal, before: Decimal, invoiced: Decimal | None, limit: Decimal | None, *, held: bool
) -> Bar:
    """What was invoiced before stands first; what goes over the limit last."""
    label = _("Invoiced")
    if invoiced is None:
        return Bar(label, None)
    if invoiced < 0:
        return Bar(label, invoiced, _pieces(scale, ("credited", abs(invoiced))))
    earlier = max(before, ZERO)
    room = invoiced if limit is None else min(max(limit - earlier, ZERO), invoiced)
    over = ("over" if held else "tolerated", invoiced - room)
    pieces = _pieces(scale, ("before", earlier), ("invoiced", room), over)
    if earlier:
        return Bar(label, invoiced, pieces, _("before:"), earlier)
    return Bar(label, invoiced, pieces)


def _split(scale: Decimal, kind: str, value: Decimal, limit: Decimal) -> tuple[Piece, ...]:
    within = min(value, limit)
    return _pieces(scale, (kind, within), ("over", value - within))


def _pieces(scale: Decimal, *parts: tuple[str, Decimal]) -> tuple[Piece, ...]:
    pieces, x = [], ZERO
    for kind, value in parts:
        if not scale or value <= 0:
            continue
        width = (value / scale * 100).quantize(Decimal("0.01"))
        pieces.append(Piece(kind, str(x), str(width)))
        x += width
    return tuple(pieces)


def _number(value: str | None) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))
