"""What can be wrong with a line. Every reason names the line, so that it can be read alone."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from controlplane.invoices.matching.assignment import Assignment
from controlplane.invoices.matching.papers import ZERO, ReceivedLine, Terms
from controlplane.invoices.matching.quantities import Keys, Ledger
from controlplane.invoices.matching.result import LineMatch, Reason, plain
from controlplane.invoices.matching.tolerance import (
    is_price_tolerated,
    minor_unit,
    most_of,
    rounded,
)
from controlplane.invoices.matching.units import differ

_MOST_NAMED = 10


def foreign_units(arrived: Sequence[tuple[ReceivedLine, Assignment]]) -> dict[str, str]:
    """By order line, the unit of something received that cannot be counted against it."""
    return {
        place.line.key: received.unit
        for received, found in arrived
        for place in found.places
        if differ(received.unit, place.line.unit)
    }


def reasons_by_line(
    *,
    lines: Sequence[LineMatch],
    found: Sequence[Assignment],
    is_in_an_order: Sequence[bool],
    foreign_units: dict[str, str],
    ledger: Ledger,
    currency: str,
    terms: Terms,
) -> list[list[Reason]]:
    """In the order of the lines. A line of no known order has none: the header says that."""
    reasons: list[list[Reason]] = [[] for _line in lines]
    for index, (line, place) in enumerate(zip(lines, found, strict=True)):
        reasons[index].extend(_of_itself(line, currency))
        if place.places:
            reasons[index].extend(_of_its_place(line, place, foreign_units))
            reasons[index].extend(_of_its_price(line, currency, terms))
        elif is_in_an_order[index]:
            reasons[index].append(_unordered(line, currency))
    for keys in ledger.sets():
        members = ledger.within(keys)
        for reason in _of_quantities([lines[index] for index in members], keys, ledger, terms):
            for index in members:
                if reason not in reasons[index]:
                    reasons[index].append(reason)
    return reasons


def _of_itself(line: LineMatch, currency: str) -> Iterator[Reason]:
    if line.invoiced is None or line.net is None:
        missing = "quantity" if line.invoiced is None else "amount"
        yield Reason("incomplete_line", f"{_name(line)} states no {missing}.")
    elif line.unit_price is not None:
        amount = line.invoiced * line.unit_price
        # Less is an allowance on the line; more is a charge that no price speaks of.
        if line.net - amount > minor_unit(currency):
            yield Reason(
                "line_wrong",
                f"{_name(line)}: {plain(line.net)} {currency} is more than "
                f"{plain(line.invoiced)} × {plain(line.unit_price)}.",
            )


def _unordered(line: LineMatch, currency: str) -> Reason:
    if line.item_id:
        return Reason("not_ordered", f"{_name(line)}, item {line.item_id}, is not on the order.")
    return Reason(
        "charge_not_ordered",
        f"{_name(line)}: {plain(line.net) if line.net is not None else '?'} {currency} "
        "for something that is not on the order.",
    )


def _of_its_place(
    line: LineMatch, found: Assignment, foreign_units: dict[str, str]
) -> Iterator[Reason]:
    ordered = found.places[0].line.item
    if found.contradicts:
        yield Reason(
            "item_differs",
            f"{_name(line)} names order line {line.order_line}, but that is of another item "
            f"({ordered.name or 'without a name'}).",
        )
    if found.basis == "description":
        yield Reason(
            "weak_match",
            f"{_name(line)} was found on the order by its description only: {ordered.name}.",
        )
    if differ(line.unit, line.ordered_unit):
        yield Reason(
            "unit_differs",
            f"{_name(line)} is invoiced in {line.unit}, but ordered in {line.ordered_unit}.",
        )
    for unit in sorted({foreign_units[key] for key in found.keys if key in foreign_units}):
        yield Reason(
            "unit_differs",
            f"{_name(line)} is ordered in {line.ordered_unit}, but received in {unit}.",
        )


def _of_its_price(line: LineMatch, currency: str, terms: Terms) -> Iterator[Reason]:
    if line.invoiced is None or line.net is None:
        return
    if line.expected_net is None:
        yield Reason("no_order_price", f"{_name(line)}: the order states no price.")
        return
    charged = _charged(line, currency)
    if is_price_tolerated(
        charged=charged, agreed=line.expected_net, currency=currency, terms=terms
    ):
        return
    extra = charged - line.expected_net
    share = f" ({100 * extra / abs(line.expected_net):+.2f}%)" if line.expected_net else ""
    price = line.unit_price
    if line.invoiced and (price is None or charged == line.net):
        price = charged / line.invoiced
    told = f"{_told_price(price)} {currency} each" if price is not None else "a charge"
    agreed = _told_price(line.ordered_price)
    less = "credited with less" if line.invoiced < ZERO else "more than agreed"
    yield Reason(
        "price_above",
        f"{_name(line)}: {told}, ordered at {agreed} {currency}; "
        f"{plain(rounded(extra, currency))} {currency}{share} {less}.",
    )


def _charged(line: LineMatch, currency: str) -> Decimal:
    """Quantity times price where that is what the line comes to, so that no part of a cent is
    lost; else the line's amount, which then includes an allowance or a charge."""
    net, price, invoiced = line.net or ZERO, line.unit_price, line.invoiced or ZERO
    exact = net if price is None else invoiced * price
    return exact if rounded(exact, currency) == net else net


def _of_quantities(
    lines: Sequence[LineMatch], keys: Keys, ledger: Ledger, terms: Terms
) -> Iterator[Reason]:
    now, before = ledger.invoiced_at(keys), ledger.before_at(keys)
    ordered, received = ledger.ordered_at(keys), ledger.received_at(keys)
    earlier = f" after {plain(before)} before" if before else ""
    if now < ZERO:
        if before + now < ZERO:
            yield Reason(
                "over_credited",
                f"{_names(lines)}: {plain(-now)} credited, {plain(before)} invoiced before.",
            )
        return
    if now == ZERO:
        return
    told = f"{_names(lines)}: {plain(now)} invoiced{earlier}, "
    if before + now > most_of(ordered, terms):
        yield Reason("over_ordered", f"{told}{plain(ordered)} ordered.")
    if terms.mode == "two_way" or before + now <= most_of(received, terms):
        return
    announced = ledger.announced_at(keys)
    sent = f" ({plain(announced)} announced by the supplier)" if announced is not None else ""
    if received <= ZERO:
        yield Reason("no_receipt", f"{told}nothing received{sent}.")
    else:
        yield Reason("over_received", f"{told}{plain(received)} received{sent}.")


def _name(line: LineMatch) -> str:
    return f"Line {line.line}" + (f" ({line.item})" if line.item else "")


def _names(lines: Sequence[LineMatch]) -> str:
    if len(lines) == 1:
        return _name(lines[0])
    items = {line.item for line in lines if line.item}
    numbers = [line.line for line in lines[:_MOST_NAMED]]
    more = len(lines) - len(numbers)
    last = f"{more} more" if more else numbers.pop()
    return f"Lines {', '.join(numbers)} and {last}" + (
        f" ({items.pop()})" if len(items) == 1 else ""
    )


def _told_price(price: Decimal | None) -> str:
    return "?" if price is None else plain(round(price, 6))
