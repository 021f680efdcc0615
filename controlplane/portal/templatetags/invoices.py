"""How the portal writes days, quantities, prices and confidence, and draws what was matched."""

from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy, to_locale

from controlplane.portal.invoices.bars import Bar
from controlplane.portal.invoices.terms import Shown
from controlplane.portal.templatetags.portal import amount, percent, pill

register = template.Library()


def _locale() -> str:
    return to_locale(get_language() or "en")


@register.simple_tag
def day(value: date | None) -> SafeString | str:
    if value is None:
        return "–"
    return format_html(
        '<time datetime="{}">{}</time>',
        value.isoformat(),
        format_date(value, "medium", locale=_locale()),
    )


@register.filter
def quantity(value: Decimal | str | None) -> str:
    """As people write it: no zeros behind that nobody typed."""
    if value in (None, ""):
        return "–"
    return str(format_decimal(Decimal(value), "#,##0.########", locale=_locale()))


# UN/ECE Recommendation 20: the few that are on nearly every invoice.
UNITS = {
    "C62": gettext_lazy("pc."),
    "H87": gettext_lazy("pc."),
    "EA": gettext_lazy("pc."),
    "XPP": gettext_lazy("pc."),
    "NAR": gettext_lazy("pc."),
    "HUR": "h",
    "DAY": gettext_lazy("days"),
    "MON": gettext_lazy("months"),
    "KGM": "kg",
    "GRM": "g",
    "TNE": "t",
    "LTR": "l",
    "MTR": "m",
    "MTK": "m²",
    "MTQ": "m³",
    "KMT": "km",
    "KWH": "kWh",
    "SET": gettext_lazy("sets"),
    "LS": gettext_lazy("lump sum"),
}


@register.filter
def unit(code: str) -> str:
    """A code that is not among them is shown as it is."""
    return str(UNITS.get(code, code))


@register.simple_tag
def price(value: Decimal | str | None, currency: str) -> str:
    """A unit price may have more decimals than its currency."""
    if value in (None, ""):
        return "–"
    number = Decimal(value)
    if -number.normalize().as_tuple().exponent <= 2:  # type: ignore[operator]
        return amount(number, currency) if currency else quantity(number)
    pattern = "#,##0.00######" if not currency else None
    if pattern:
        return str(format_decimal(number, pattern, locale=_locale()))
    return str(format_currency(number, currency, locale=_locale(), decimal_quantization=False))


@register.simple_tag
def told(shown: Shown, currency: str) -> SafeString | str:
    """A business term's value, by its kind."""
    if shown.kind == "date":
        return day(shown.value)
    if shown.kind == "amount":
        return amount(shown.value, currency) if currency else quantity(shown.value)
    return str(shown.value)


@register.simple_tag
def percent_rate(value: Any) -> str:
    """A rate of tax in the reader's way: 19%, `19 %` in German."""
    return "–" if value in (None, "") else percent(Decimal(value))


@register.inclusion_tag("portal/invoices/_bar.html")
def quantity_bar(bar: Bar, unit: str = "") -> dict[str, Any]:
    return {"bar": bar, "unit": unit}


# What confidence says in a word; its number is the title.
_SURE, _LIKELY = 0.85, 0.6


@register.inclusion_tag("portal/invoices/_confidence.html")
def confidence(value: float | None) -> dict[str, Any]:
    """How sure the reading of a plain PDF is of one field."""
    if value is None:
        return {"level": ""}
    level = "sure" if value >= _SURE else "likely" if value >= _LIKELY else "unsure"
    return {"level": level, "percent": round(value * 100)}


VERDICTS = {
    "accept": gettext_lazy("Fits"),
    "hold": gettext_lazy("Held"),
    "reject": gettext_lazy("Refused"),
}


@register.inclusion_tag("portal/_pill.html")
def verdict_pill(verdict: str) -> dict[str, str]:
    return pill(verdict, str(VERDICTS.get(verdict, verdict)))


# What the audit trail calls it, and we.
ACTIONS = {
    "invoice.received": gettext_lazy("Received"),
    "invoice.read": gettext_lazy("Read"),
    "invoice.quarantined": gettext_lazy("Put into quarantine"),
    "invoice.read_again": gettext_lazy("Sent to be read again"),
    "invoice.corrected": gettext_lazy("Fields confirmed"),
    "invoice.validated": gettext_lazy("Checked by the rules"),
    "invoice.matched": gettext_lazy("Matched"),
    "invoice.accepted": gettext_lazy("Accepted"),
    "invoice.rejected": gettext_lazy("Rejected"),
}


@register.filter
def history_label(action: str) -> str:
    return str(ACTIONS.get(action, action))


FORMATS = {
    "ubl": gettext_lazy("XML (UBL)"),
    "cii": gettext_lazy("XML (CII)"),
    "hybrid": gettext_lazy("PDF with XML inside"),
    "pdf": gettext_lazy("Plain PDF"),
    "unknown": gettext_lazy("Unknown format"),
}


@register.inclusion_tag("portal/_pill.html")
def format_pill(value: str) -> dict[str, str]:
    return {"tone": "good", "symbol": "check", "label": str(FORMATS.get(value, value))}
