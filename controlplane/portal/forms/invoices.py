"""Invoices taken in from a browser, and what a person reads off one for Pergola."""

from contextlib import suppress
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from controlplane.core.errors import DomainError
from controlplane.core.money import parse_amount
from controlplane.invoices.corrections import MOST_LINES
from controlplane.invoices.models import Invoice
from controlplane.invoices.normal import NormalInvoice
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.parameters import AmountField, currencies
from controlplane.portal.invoices.terms import FIELD_OF_FOUND, TERM_OF_FIELD

MOST_FILES = 50


class DayInput(forms.DateInput):
    """The browser's own calendar, which takes and gives ISO 8601 whatever the language."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class SeveralFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class SeveralFilesField(forms.FileField):
    """A list of files. An empty one passes, since each file is judged by itself."""

    widget = SeveralFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        given = data if isinstance(data, list | tuple) else [data]
        chosen = [file for file in given if file]
        if not chosen:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        if len(chosen) > MOST_FILES:
            raise forms.ValidationError(
                _("Choose at most %(most)d files at once. Nothing was taken in."),
                params={"most": MOST_FILES},
            )
        return chosen


class UploadForm(forms.Form):
    documents = SeveralFilesField(
        label=_("Invoices"),
        error_messages={"required": _("Choose at least one file.")},
        allow_empty_file=True,
    )


class LineForm(forms.Form):
    """One line as a person reads it off the document; an empty one counts as none."""

    name = forms.CharField(label=_("Item"), max_length=500)
    seller_item_id = forms.CharField(label=_("Item no."), max_length=100, required=False)
    quantity = AmountField(label=_("Quantity"), localize=True, max_digits=20, decimal_places=8)
    unit_price = AmountField(
        label=_("Unit price"), localize=True, max_digits=20, decimal_places=8, required=False
    )
    net = AmountField(label=_("Net"), localize=True, max_digits=18, decimal_places=4)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, empty_permitted=True, use_required_attribute=False, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = field.label
            if name not in {"name", "seller_item_id"}:
                field.widget.attrs |= {"inputmode": "decimal", "class": "number"}

    @property
    def number(self) -> int:
        return int(str(self.prefix).rpartition("-")[2])


class CorrectionForm(forms.Form):
    """What a person reads off a document that no program could read for sure.

    It starts with what was read or found; `confidences` says how sure that is, by field. Lines are
    asked for only where the document is no XML: those that were read from XML stay as they are.
    """

    number = forms.CharField(label=_("Number"), max_length=100)
    is_credit_note = forms.BooleanField(label=_("It is a credit note"), required=False)
    issue_date = forms.DateField(label=_("Issued"), widget=DayInput)
    due_date = forms.DateField(label=_("Due"), widget=DayInput, required=False)
    order_reference = forms.CharField(
        label=_("Purchase order"),
        help_text=_("The number of your order, so that the invoice can be matched with it."),
        max_length=100,
        required=False,
    )
    supplier_name = forms.CharField(label=_("Supplier"), max_length=200)
    supplier_vat_id = forms.CharField(
        label=_("Supplier's VAT identifier"), max_length=40, required=False
    )
    buyer_name = forms.CharField(label=_("Buyer"), max_length=200, required=False)
    iban = forms.CharField(label=_("Account (IBAN)"), max_length=40, required=False)
    currency = forms.ChoiceField(label=_("Currency"), choices=lambda: _currency_choices())
    net = AmountField(
        label=_("Without VAT"), localize=True, required=False, max_digits=18, decimal_places=4
    )
    tax = AmountField(
        label=_("VAT"), localize=True, required=False, max_digits=18, decimal_places=4
    )
    gross = AmountField(label=_("With VAT"), localize=True, max_digits=18, decimal_places=4)
    payable = AmountField(
        label=_("To be paid"),
        help_text=_("Where it differs from the amount with VAT."),
        localize=True,
        required=False,
        max_digits=18,
        decimal_places=4,
    )

    def __init__(self, invoice: Invoice, data: Any = None) -> None:
        found = {FIELD_OF_FOUND.get(each["name"], each["name"]): each for each in invoice.fields}
        super().__init__(data, initial=_initial(invoice, found), use_required_attribute=False)
        self.confidences = {
            name: field.get("confidence") for name, field in found.items() if invoice.normal is None
        }
        for name, field in self.fields.items():
            if code := TERM_OF_FIELD.get(name):
                field.widget.attrs["data-points-at"] = code
            if isinstance(field, AmountField):
                field.widget.attrs["inputmode"] = "decimal"
        self.asks_for_lines = invoice.format == Invoice.Format.PDF
        self.lines = self._lines(invoice, data) if self.asks_for_lines else []

    @property
    def rows(self) -> list[tuple[forms.BoundField, float | None]]:
        return [(field, self.confidences.get(field.name)) for field in self.visible_fields()]

    @property
    def next_line(self) -> int:
        return max((line.number for line in self.lines), default=-1) + 1

    @property
    def values(self) -> dict[str, Any]:
        """What `correct_fields` takes."""
        values = dict(self.cleaned_data)
        if self.asks_for_lines:
            values["lines"] = [line.cleaned_data for line in self._filled()]
        return values

    def clean(self) -> dict[str, Any]:
        if any([not line.is_valid() for line in self.lines]):
            self.add_error(None, _("A line is not complete. Please correct what is marked below."))
        return super().clean() or {}

    def mark(self, error: DomainError) -> None:
        """Put what the service found at the field, also at one of a line."""
        filled, others = self._filled(), []
        for found in error.errors:
            place, _dot, name = found.field.removeprefix("lines.").partition(".")
            if found.field.startswith("lines.") and place.isdecimal() and int(place) < len(filled):
                line = filled[int(place)]
                line.add_error(name if name in line.fields else None, found.message)
            else:
                others.append(found)
        mark(self, type(error)(error.detail, errors=tuple(others)))

    def _filled(self) -> list[LineForm]:
        return [line for line in self.lines if line.has_changed()]

    def _lines(self, invoice: Invoice, data: Any) -> list[LineForm]:
        if data is not None:
            numbers = [number for number in data.getlist("line") if number.isdecimal()]
            return [LineForm(data, prefix=f"line-{number}") for number in numbers[:MOST_LINES]]
        read = NormalInvoice.from_json(invoice.normal).lines if invoice.normal else ()
        filled = [
            LineForm(
                prefix=f"line-{number}",
                initial={
                    "name": line.name,
                    "seller_item_id": line.seller_item_id,
                    "quantity": line.quantity,
                    "unit_price": line.net_price,
                    "net": line.net_amount,
                },
            )
            for number, line in enumerate(read)
        ]
        return filled + empty_lines(len(filled))


def empty_lines(start: int, count: int = 3) -> list[LineForm]:
    return [LineForm(prefix=f"line-{number}") for number in range(start, start + count)]


def _initial(invoice: Invoice, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What was read for sure; else what was found in the text, as it is kept for a person."""
    initial: dict[str, Any] = {name: field.get("value") for name, field in found.items()}
    if invoice.normal is not None:
        initial |= {name: getattr(invoice, name) for name in CorrectionForm.base_fields}
    for name, field in CorrectionForm.base_fields.items():
        if isinstance(field, AmountField) and isinstance(value := initial.get(name), str):
            with suppress(ValueError):
                initial[name] = parse_amount(value)
    return {"currency": "EUR"} | {name: each for name, each in initial.items() if each is not None}


def _currency_choices() -> list[tuple[str, str]]:
    return [(code, code) for code in currencies()]
