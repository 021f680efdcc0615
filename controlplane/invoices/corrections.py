"""The fields that a person reads from a document for Pergola, and what makes them an invoice."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from controlplane.core.errors import DomainError, FieldError
from controlplane.core.money import is_currency
from controlplane.core.text import is_storable
from controlplane.invoices.normal import InvoiceLine, NormalInvoice, Totals

Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=4)]
Quantity = Annotated[Decimal, Field(max_digits=20, decimal_places=8)]
MOST_LINES = 500


class FieldsInvalid(DomainError):
    code = "fields_invalid"
    status = 422
    title = "The fields are not those of an invoice"


class _Typed(BaseModel):
    """What a form leaves empty was not given."""

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


class LineFields(_Typed):
    name: str = Field(max_length=500)
    quantity: Quantity
    unit: str = Field(default="", max_length=10)
    unit_price: Quantity | None = None
    net: Amount
    seller_item_id: str = Field(default="", max_length=100)
    buyer_item_id: str = Field(default="", max_length=100)
    standard_item_id: str = Field(default="", max_length=100)
    order_line_reference: str = Field(default="", max_length=100)


class InvoiceFields(_Typed):
    """`lines` left out keeps the lines that were read."""

    number: str = Field(max_length=100)
    issue_date: date
    due_date: date | None = None
    currency: str
    supplier_name: str = Field(max_length=200)
    supplier_vat_id: str = Field(default="", max_length=40)
    buyer_name: str = Field(default="", max_length=200)
    order_reference: str = Field(default="", max_length=100)
    iban: str = Field(default="", max_length=40)
    net: Amount | None = None
    tax: Amount | None = None
    gross: Amount
    payable: Amount | None = None
    is_credit_note: bool = False
    lines: list[LineFields] | None = Field(default=None, max_length=MOST_LINES)

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if not is_currency(value.upper()):
            raise ValueError("is no ISO 4217 code, such as EUR")
        return value.upper()

    @field_validator("iban")
    @classmethod
    def _checked_iban(cls, value: str) -> str:
        """ISO 13616: the account number with its two check digits in front counts to 1 mod 97."""
        iban = re.sub(r"\s", "", value).upper()
        if iban and not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", iban, re.ASCII):
            raise ValueError("is no IBAN, such as DE89 3704 0044 0532 0130 00")
        if iban and int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 != 1:
            raise ValueError("is mistyped: its check digits do not fit")
        return iban


def parse_fields(fields: Mapping[str, Any]) -> InvoiceFields:
    """Raises FieldsInvalid, with every field at fault."""
    try:
        return InvoiceFields.model_validate(dict(fields))
    except ValidationError as error:
        faults = tuple(
            FieldError(
                ".".join(str(part) for part in fault["loc"]),
                "is missing" if fault["type"] == "missing" else _plain(fault["msg"]),
            )
            for fault in error.errors(include_url=False)
        )
        raise FieldsInvalid(
            "Nothing was changed: "
            + "; ".join(f"{fault.field} {fault.message}" for fault in faults[:5])
            + ".",
            errors=faults,
        ) from error


def corrected(read: NormalInvoice, fields: InvoiceFields) -> NormalInvoice:
    """What was read, with everything that the person states in its place."""
    payable = fields.gross if fields.payable is None else fields.payable
    return replace(
        read,
        number=fields.number,
        type_code=read.type_code or ("381" if fields.is_credit_note else "380"),
        is_credit_note=fields.is_credit_note,
        issue_date=fields.issue_date,
        due_date=fields.due_date,
        currency=fields.currency,
        order_ref=fields.order_reference,
        iban=fields.iban,
        seller=replace(read.seller, name=fields.supplier_name, vat_id=fields.supplier_vat_id),
        buyer=replace(read.buyer, name=fields.buyer_name),
        lines=read.lines if fields.lines is None else tuple(_lines(fields.lines)),
        totals=replace(
            read.totals if read.totals.due is not None else Totals(),
            without_vat=fields.net,
            vat=fields.tax,
            with_vat=fields.gross,
            due=payable,
            paid=None if payable == fields.gross else fields.gross - payable,
            rounding=None,
        ),
    )


def _lines(lines: list[LineFields]) -> list[InvoiceLine]:
    return [
        InvoiceLine(
            id=str(position),
            name=line.name,
            quantity=line.quantity,
            unit=line.unit,
            net_price=line.unit_price,
            net_amount=line.net,
            seller_item_id=line.seller_item_id,
            buyer_item_id=line.buyer_item_id,
            standard_item_id=line.standard_item_id,
            order_line_ref=line.order_line_reference,
        )
        for position, line in enumerate(lines, start=1)
    ]


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Input ")
