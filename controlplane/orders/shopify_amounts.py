"""The amounts of a Shopify order: its totals, what was refunded, and whether they add up."""

from decimal import Decimal
from itertools import product

from controlplane.core.money import Money
from controlplane.orders.normal import ZERO, Line, Totals
from controlplane.orders.reading import Reader, total_of

_MOST_PARTS = 250
_REFUND_STATES = frozenset({"", "success"})


def money_of(of: Reader, name: str) -> Decimal | None:
    """`name`, or the same in the shop's currency from `name_set`."""
    amount = of.amount(name)
    if amount is None:
        amount = of.object(f"{name}_set").object("shop_money").amount("amount")
    return amount


def parts_of(of: Reader, name: str) -> list[Reader]:
    return list(of.objects(name, most=_MOST_PARTS))


def tax_of(of: Reader) -> Decimal:
    tax = total_of(money_of(tax, "price") for tax in parts_of(of, "tax_lines"))
    return of.bounded("tax_lines", tax)


def totals_of(order: Reader, lines: tuple[Line, ...], currency: str) -> Totals:
    total = money_of(order, "total_price")
    if total is None and not any(p.field.startswith("total_price") for p in order.problems):
        order.report("missing", "total_price", "is missing")
    discounts = money_of(order, "total_discounts")
    if discounts is None:
        discounts = order.bounded("line_items", _discounts(lines))
    subtotal = money_of(order, "subtotal_price")
    if subtotal is None:
        subtotal = order.bounded("line_items", max(_goods(lines) - discounts, ZERO))
    tax = money_of(order, "total_tax")
    return Totals(
        subtotal=subtotal,
        discounts=discounts,
        shipping=_shipping(order),
        tax=tax_of(order) if tax is None else tax,
        total=ZERO if total is None else total,
        refunded=order.bounded("refunds", _refunded(order, currency)),
    )


def _goods(lines: tuple[Line, ...]) -> Decimal:
    return sum((line.unit_price * line.quantity for line in lines), start=ZERO)


def _discounts(lines: tuple[Line, ...]) -> Decimal:
    return sum((line.discount for line in lines), start=ZERO)


def _shipping(order: Reader) -> Decimal:
    known = order.object("total_shipping_price_set").object("shop_money").amount("amount")
    if known is not None:
        return known
    listed = total_of(money_of(line, "price") for line in parts_of(order, "shipping_lines"))
    return order.bounded("shipping_lines", listed)


def _refunded(order: Reader, currency: str) -> Decimal:
    """What was paid back; where no payment is listed, the worth of what was taken back."""
    refunded = ZERO
    for refund in parts_of(order, "refunds"):
        paid_back = [
            _transaction_amount(transaction, currency)
            for transaction in parts_of(refund, "transactions")
            if transaction.text("kind").lower() in {"", "refund"}
            and transaction.text("status").lower() in _REFUND_STATES
        ]
        if paid_back:
            refunded += sum(paid_back, start=ZERO)
            continue
        for line in parts_of(refund, "refund_line_items"):
            refunded += (money_of(line, "subtotal") or ZERO) + (money_of(line, "total_tax") or ZERO)
    return refunded


def _transaction_amount(transaction: Reader, currency: str) -> Decimal:
    paid_in = transaction.text("currency", most=10).upper()
    if paid_in and paid_in != currency:
        converted = transaction.object("amount_set").object("shop_money").amount("amount")
        if converted is None:
            transaction.report("currency_differs", "amount", f"is in {paid_in}, not {currency}")
        return converted or ZERO
    return money_of(transaction, "amount") or ZERO


def do_add_up(order: Reader, lines: tuple[Line, ...], totals: Totals, currency: str) -> bool:
    """Whether goods, shipping, tax and extras make the total, in any way that Shopify counts.

    Shopify reduces shipping by its discounts or not, lists a tip as a line or not, and includes
    taxes and duties or not; an order is doubted only where none of these gives its total.
    """
    if not lines and totals.total == 0:
        return True
    listed = money_of(order, "total_line_items_price")
    goods = {totals.subtotal, _goods(lines) - totals.discounts}
    goods |= {_goods(lines) - _discounts(lines)}
    goods |= set() if listed is None else {listed - totals.discounts}
    shipping = {totals.shipping, *_discounted_shipping(order)}
    tax = {ZERO if order.flag("taxes_included") else totals.tax}
    tip = {ZERO, money_of(order, "total_tip_received") or ZERO}
    duties = {ZERO, _extra(order, "original_total_duties_set")}
    fees = {ZERO, _extra(order, "original_total_additional_fees_set")}
    minor = Money(totals.total, currency).minor
    return any(
        abs(Money(sum(parts, start=ZERO), currency).minor - minor) <= 1
        for parts in product(goods, shipping, tax, tip, duties, fees)
    )


def _discounted_shipping(order: Reader) -> list[Decimal]:
    prices = [money_of(line, "discounted_price") for line in parts_of(order, "shipping_lines")]
    return [] if None in prices else [total_of(iter(prices))]


def _extra(order: Reader, name: str) -> Decimal:
    return order.object(name).object("shop_money").amount("amount") or ZERO
