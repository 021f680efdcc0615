"""Orders and receipts as they come in, whatever they were written in: the JSON of the API."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from controlplane.core.errors import DomainError, FieldError
from controlplane.core.money import is_currency
from controlplane.core.text import is_storable

Quantity = Annotated[Decimal, Field(max_digits=20, decimal_places=8)]
Price = Annotated[Decimal, Field(max_digits=24, decimal_places=10, ge=0)]
Number = Annotated[str, Field(min_length=1, max_length=100)]
MOST_LINES = 20_000
_FAULTS_TOLD = 5


class ImportRefused(DomainError):
    code = "import_refused"
    status = 422
    title = "Nothing was imported"


class _Typed(BaseModel):
    """Empty texts and nulls count as left out; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {name: each for name, each in value.items() if each not in ("", None)}

    @field_validator("*")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        if isinstance(value, str) and not is_storable(value):
            raise ValueError("holds a character that cannot be kept")
        return value

    def digest(self) -> str:
        """SHA-256 over the content: two that say the same have the same."""
        plain = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()


class _Item(_Typed):
    seller_item_id: str = Field(
        default="", max_length=100, description="The supplier's item number"
    )
    buyer_item_id: str = Field(default="", max_length=100, description="Your own item number")
    standard_item_id: str = Field(
        default="", max_length=100, description="GTIN, or another standard"
    )
    description: str = Field(default="", max_length=500, description="What it is called")
    unit: str = Field(
        default="", max_length=10, description="Unit of measure, UN/ECE Recommendation 20: C62, KGM"
    )


class OrderLineIn(_Item):
    line_id: Number = Field(description="The line's number in the order; invoices refer to it")
    quantity: Quantity = Field(description="How much was ordered", ge=0)
    unit_price: Price | None = Field(default=None, description="Agreed price without tax")
    price_base_quantity: Quantity = Field(
        default=Decimal(1), gt=0, description="How many units the price is for"
    )


class PurchaseOrderIn(_Typed):
    number: Number = Field(description="The order's number, as suppliers quote it")
    supplier_name: str = Field(default="", max_length=200, description="Whom it was sent to")
    supplier_vat_id: str = Field(default="", max_length=40, description="The supplier's VAT number")
    buyer_name: str = Field(default="", max_length=200, description="Who orders")
    currency: str = Field(description="ISO 4217 code")
    ordered_at: date | None = Field(default=None, description="The day of the order")
    status: Literal["open", "closed", "cancelled"] = Field(
        default="open", description="Whether it may still be invoiced"
    )
    lines: list[OrderLineIn] = Field(min_length=1, max_length=MOST_LINES, description="The lines")

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.number.casefold(),)

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if not is_currency(value.upper()):
            raise ValueError("is no ISO 4217 code, such as EUR")
        return value.upper()

    @field_validator("ordered_at", mode="before")
    @classmethod
    def _day(cls, value: Any) -> Any:
        return day_of(value)

    @model_validator(mode="after")
    def _lines_told_apart(self) -> "PurchaseOrderIn":
        seen: set[str] = set()
        for line in self.lines:
            if line.line_id in seen:
                raise ValueError(f"has two lines with the number {line.line_id}")
            seen.add(line.line_id)
        return self


class Cancellation(_Typed):
    """An OrderCancellation of UBL: the order itself stays as it was."""

    number: Number
    cancelled: Literal[True]


class ReceiptLineIn(_Item):
    line_id: str = Field(default="", max_length=100, description="The line's number in the receipt")
    order_number: str = Field(
        default="", max_length=100, description="Its order, where it is not the receipt's"
    )
    order_line_id: str = Field(default="", max_length=100, description="The order line's number")
    quantity: Quantity = Field(description="How much arrived; negative for what went back")
    rejected: Quantity = Field(default=Decimal(0), ge=0, description="How much of it was refused")


class GoodsReceiptIn(_Typed):
    number: Number = Field(description="The receipt's number")
    kind: Literal["receipt", "despatch"] = Field(
        default="receipt",
        description="despatch: only announced by the supplier, which does not count as received",
    )
    order_number: str = Field(default="", max_length=100, description="The order it was for")
    supplier_name: str = Field(default="", max_length=200, description="Who delivered")
    received_at: date | None = Field(default=None, description="The day it arrived")
    lines: list[ReceiptLineIn] = Field(min_length=1, max_length=MOST_LINES, description="The lines")

    @property
    def identity(self) -> tuple[str, ...]:
        """A despatch advice is numbered by the supplier, a receipt by the tenant."""
        supplier = self.supplier_name if self.kind == "despatch" else ""
        return self.kind, self.number, supplier

    @field_validator("received_at", mode="before")
    @classmethod
    def _day(cls, value: Any) -> Any:
        return day_of(value)


Incoming = TypeVar("Incoming", bound=_Typed)


def day_of(value: Any) -> Any:
    """`2026-03-01`, with or without a time, and `01.03.2026` as German programs write it."""
    if isinstance(value, datetime):
        return value.date()
    if not isinstance(value, str):
        return value
    text = value.strip()
    if german := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text, re.ASCII):
        day, month, year = (int(part) for part in german.groups())
        return date(year, month, day)
    if iso := re.fullmatch(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2}|[T ].*)?", text, re.ASCII):
        return date.fromisoformat(iso[1])
    raise ValueError("is no date such as 2026-03-01")


def parse_all(
    kind: type[Incoming], values: Iterable[Any], places: Mapping[tuple[str | int, ...], str]
) -> list[Incoming]:
    """All, or none: raises ImportRefused. `places` tells where a value stood, by its path."""
    found: list[Incoming] = []
    faults: list[FieldError] = []
    for index, value in enumerate(values):
        try:
            found.append(kind.model_validate(value))
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                path = (index, *fault["loc"])
                faults.append(FieldError(_place(path, places), _told(fault)))
    if faults:
        raise refused(faults)
    return found


def refused(faults: list[FieldError]) -> ImportRefused:
    told = "; ".join(f"{fault.field} {fault.message}" for fault in faults[:_FAULTS_TOLD])
    more = f"; and {len(faults) - _FAULTS_TOLD} more" if len(faults) > _FAULTS_TOLD else ""
    return ImportRefused(
        f"Nothing was imported, because parts of it cannot be used: {told}{more}. Put them right "
        "and send it once more.",
        errors=tuple(faults[:200]),
    )


def _place(path: tuple[str | int, ...], places: Mapping[tuple[str | int, ...], str]) -> str:
    """Line and column of a table where it was one, else the dotted path."""
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            rest = [str(part) for part in path[length:]]
            return ".".join([places[path[:length]], *rest])
    return ".".join(str(part) for part in path)


def _told(fault: Any) -> str:
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] == "extra_forbidden":
        return "is not a field that is known"
    message: str = fault["msg"].removeprefix("Value error, ")
    return message.replace("Input should", "should").replace("Decimal input should", "should")
