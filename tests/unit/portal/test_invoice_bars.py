"""How a match is drawn: on one scale, with what goes over the limit at the end."""

from decimal import Decimal
from typing import Any

from controlplane.portal.invoices.bars import MOST_LINES, drawn, progress_bars

LINE: dict[str, Any] = {
    "line": "1",
    "verdict": "hold",
    "invoiced": "100",
    "ordered": "100",
    "received": "90",
    "invoiced_before": "0",
    "unit_price": "4.40",
    "ordered_price": "4.00",
    "reasons": [],
}


def _drawn(mode: str = "three_way", **changes: Any) -> Any:
    lines, left_out = drawn({"mode": mode, "lines": [LINE | changes]})
    assert left_out == 0
    return lines[0]


def _pieces(bar: Any) -> list[tuple[str, str, str]]:
    return [(piece.kind, piece.x, piece.width) for piece in bar.pieces]


def test_more_than_was_received() -> None:
    ordered, received, invoiced = _drawn().bars
    assert _pieces(ordered) == [("ordered", "0", "100.00")]
    assert _pieces(received) == [("received", "0", "90.00")]
    assert _pieces(invoiced) == [("invoiced", "0", "90.00"), ("over", "90.00", "10.00")]


def test_within_a_tolerance_is_told_apart() -> None:
    assert _pieces(_drawn(verdict="accept").bars[2])[-1] == ("tolerated", "90.00", "10.00")


def test_two_way_goes_by_the_order() -> None:
    bars = _drawn("two_way", received=None).bars
    assert len(bars) == 2
    assert _pieces(bars[1]) == [("invoiced", "0", "100.00")]


def test_what_was_invoiced_before_takes_room() -> None:
    line = _drawn(invoiced="50", invoiced_before="60")
    assert _pieces(line.bars[2]) == [
        ("before", "0", "54.55"), ("invoiced", "54.55", "27.27"), ("over", "81.82", "18.18"),
    ]  # fmt: skip
    assert line.bars[2].note_value == Decimal(60)


def test_a_credit_and_a_line_without_an_order() -> None:
    assert _pieces(_drawn(invoiced="-10").bars[2]) == [("credited", "0", "10.00")]
    unknown = _drawn(ordered=None, received=None, ordered_price=None, invoiced_before=None)
    assert _pieces(unknown.bars[-1]) == [("invoiced", "0", "100.00")]
    assert unknown.price_change is None
    assert _drawn(invoiced=None).bars[-1].pieces == ()


def test_how_the_price_differs() -> None:
    assert _drawn().price_change == Decimal("10.0")
    assert _drawn().is_dearer
    assert not _drawn(unit_price="3.00").is_dearer
    assert _drawn(unit_price="4").price_change is None
    assert _drawn(ordered_price="0").price_change is None


def test_of_very_many_lines_those_that_do_not_fit_come_first() -> None:
    fitting = [LINE | {"verdict": "accept"}] * (MOST_LINES + 5)
    lines, left_out = drawn({"mode": "three_way", "lines": [*fitting, LINE]})
    assert left_out == 6
    assert lines[0].line["verdict"] == "hold"
    assert drawn(None) == ([], 0)


def test_progress_of_an_order() -> None:
    bars = progress_bars(Decimal(10), Decimal(12), Decimal(0), Decimal(5))
    assert _pieces(bars[1]) == [("received", "0", "83.33"), ("over", "83.33", "16.67")]
    assert _pieces(bars[2]) == [("invoiced", "0", "41.67")]
