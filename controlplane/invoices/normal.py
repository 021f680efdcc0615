"""An invoice as everybody here sees it, whatever it was written in: the terms of EN 16931.

The comments name the business terms (BT). What a document does not say is "" or None, never a
guess. `to_json` and `from_json` carry it out of the reading process and into the database.
"""

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

# UNTDID 1001 as EN 16931 lists it for credit notes (BR-CL-01): what lessens what one owes.
CREDIT_NOTES = frozenset(
    ["81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"]
)


@dataclass(frozen=True, kw_only=True)
class Identifier:
    """An identifier and whose scheme it is of, e.g. 0088 for a GLN."""

    value: str
    scheme: str = ""


@dataclass(frozen=True, kw_only=True)
class Party:
    name: str = ""  # BT-27 seller, BT-44 buyer, BT-59 payee
    trading_name: str = ""  # BT-28, BT-45
    vat_id: str = ""  # BT-31, BT-48
    tax_id: str = ""  # BT-32
    legal_id: str = ""  # BT-30, BT-47, BT-61
    identifiers: tuple[Identifier, ...] = ()  # BT-29, BT-46, BT-60
    electronic_address: str = ""  # BT-34, BT-49
    electronic_address_scheme: str = ""
    street: str = ""  # BT-35, BT-50
    city: str = ""  # BT-37, BT-52
    postal_code: str = ""  # BT-38, BT-53
    country: str = ""  # BT-40, BT-55
    contact: str = ""  # BT-41, BT-56
    email: str = ""  # BT-43, BT-58
    phone: str = ""  # BT-42, BT-57


@dataclass(frozen=True, kw_only=True)
class InvoiceLine:
    id: str = ""  # BT-126
    note: str = ""  # BT-127
    quantity: Decimal | None = None  # BT-129
    unit: str = ""  # BT-130
    net_amount: Decimal | None = None  # BT-131
    order_line_ref: str = ""  # BT-132
    order_ref: str = ""  # the order of this line, where it has one of its own (outside EN 16931)
    net_price: Decimal | None = None  # BT-146
    price_base_quantity: Decimal | None = None  # BT-149: the price is for so many; None means 1
    vat_category: str = ""  # BT-151
    vat_rate: Decimal | None = None  # BT-152, in percent
    name: str = ""  # BT-153
    description: str = ""  # BT-154
    seller_item_id: str = ""  # BT-155
    buyer_item_id: str = ""  # BT-156
    standard_item_id: str = ""  # BT-157


@dataclass(frozen=True, kw_only=True)
class VatBreakdown:
    taxable_amount: Decimal | None = None  # BT-116
    tax_amount: Decimal | None = None  # BT-117
    category: str = ""  # BT-118
    rate: Decimal | None = None  # BT-119
    exemption_reason: str = ""  # BT-120, or its code BT-121


@dataclass(frozen=True, kw_only=True)
class Totals:
    line_net: Decimal | None = None  # BT-106
    allowances: Decimal | None = None  # BT-107
    charges: Decimal | None = None  # BT-108
    without_vat: Decimal | None = None  # BT-109
    vat: Decimal | None = None  # BT-110
    with_vat: Decimal | None = None  # BT-112
    paid: Decimal | None = None  # BT-113
    rounding: Decimal | None = None  # BT-114
    due: Decimal | None = None  # BT-115


@dataclass(frozen=True, kw_only=True)
class NormalInvoice:
    number: str = ""  # BT-1
    issue_date: date | None = None  # BT-2
    type_code: str = ""  # BT-3
    is_credit_note: bool = False  # a CreditNote of UBL, or one of CREDIT_NOTES
    currency: str = ""  # BT-5
    due_date: date | None = None  # BT-9
    buyer_reference: str = ""  # BT-10
    contract_ref: str = ""  # BT-12
    order_ref: str = ""  # BT-13
    receiving_advice_ref: str = ""  # BT-15
    despatch_ref: str = ""  # BT-16
    payment_terms: str = ""  # BT-20
    notes: tuple[str, ...] = ()  # BT-22
    profile: str = ""  # BT-24
    preceding_invoices: tuple[str, ...] = ()  # BT-25
    iban: str = ""  # BT-84, the first account
    delivery_date: date | None = None  # BT-72
    seller: Party = Party()
    buyer: Party = Party()
    payee: Party | None = None
    lines: tuple[InvoiceLine, ...] = ()
    vat: tuple[VatBreakdown, ...] = ()
    totals: Totals = Totals()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: a Decimal as text, a date in ISO 8601."""
        return _plain(asdict(self))

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "NormalInvoice":
        """What `to_json` made; fields it does not name get their default."""
        return _build(cls, value)


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _build(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(hint) in (Union, UnionType):
        hint = next(option for option in get_args(hint) if option is not type(None))
    if get_origin(hint) is tuple:
        return tuple(_build(get_args(hint)[0], item) for item in value)
    if hint is Decimal:
        return Decimal(value)
    if hint is date:
        return date.fromisoformat(value)
    if isinstance(value, dict):
        hints = _hints(hint)
        return hint(**{key: _build(hints[key], item) for key, item in value.items()})
    return value
