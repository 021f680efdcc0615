"""How the portal writes icons, times, amounts, statuses and sortable columns."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.dates import format_timedelta
from babel.numbers import format_percent
from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, gettext_lazy, to_locale

from controlplane.approvals.models import Approval
from controlplane.catalog.models import short_id
from controlplane.catalog.runs import Run
from controlplane.core.money import Money
from controlplane.core.withholding import HIDDEN
from controlplane.events.models import ExceptionCase
from controlplane.events.types import EVENT_TYPES
from controlplane.invoices.models import Invoice

register = template.Library()


@register.simple_tag
def icon(name: str, css: str = "icon") -> SafeString:
    """One of icons.svg. Always beside words, so screen readers skip it."""
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css,
        static("portal/icons.svg"),
        name,
    )


@register.simple_tag
def hidden() -> str:
    """Where a figure stands for those who may see it; withheld texts read so by themselves."""
    return HIDDEN


# What an approval is about, where its title is customer data that the reader may not see.
SUBJECTS = {
    "order": gettext_lazy("An order"),
    "invoice": gettext_lazy("An invoice"),
    "ticket": gettext_lazy("A ticket"),
}


@register.filter
def titled(approval: Approval) -> str:
    if approval.title is not HIDDEN:
        return approval.title
    about = SUBJECTS.get(approval.subject_type, gettext_lazy("An approval"))
    return f"{about} · {short_id(approval.pk)}"


@register.simple_tag
def when(at: datetime | None) -> SafeString | str:
    """A moment in the reader's zone."""
    if at is None:
        return "–"
    return _time(at, date_format(timezone.localtime(at), "DATETIME_FORMAT"))


@register.simple_tag
def ago(at: datetime | None) -> SafeString | str:
    """How long since or until, for up to a week; then the moment itself, always the title."""
    if at is None:
        return "–"
    now = timezone.now()
    if abs(at - now) > timedelta(days=7):
        return when(at)
    if abs(at - now) < timedelta(minutes=1):
        return _time(at, gettext("just now") if at <= now else gettext("in a moment"))
    # Babel knows the grammar of "2 days ago" where Django's timesince only knows "2 days".
    return _time(at, format_timedelta(at - now, add_direction=True, locale=_locale()))


def _time(at: datetime, words: str) -> SafeString:
    local = timezone.localtime(at)
    full = date_format(local, "DATETIME_FORMAT")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), f"{full} {local:%Z}", words
    )


def _locale() -> str:
    """The reader's language, as Babel calls it. `settings.LANGUAGES` are all in CLDR."""
    return to_locale(get_language() or "en")


@register.simple_tag
def amount(value: Decimal | str, currency: str) -> str:
    return localized(Money(Decimal(value), currency))


@register.filter
def localized(money: Money) -> str:
    """As people write it in the reader's language."""
    text = money.localized(_locale())
    # CLDR wants a space between a code of letters and digits; Babel leaves it out.
    return re.sub(r"(?<=[^\W\d_])(?=\d)", "\u00a0", text)


@register.filter
def percent(value: Decimal) -> str:
    """A percentage as people write it: `2,5 %` in German, from 2.5."""
    return str(format_percent(value / 100, locale=_locale(), decimal_quantization=False))


@register.filter
def country(code: str) -> str:
    """The name of an ISO 3166 country in the reader's language."""
    return str(Locale.parse(_locale()).territories.get(code, code))


# Shopify's words for how an order is paid, and ours.
PAYMENTS = {
    "pending": gettext_lazy("Not paid yet"),
    "authorized": gettext_lazy("Authorised, not yet captured"),
    "partially_paid": gettext_lazy("Paid in part"),
    "paid": gettext_lazy("Paid"),
    "partially_refunded": gettext_lazy("Refunded in part"),
    "refunded": gettext_lazy("Refunded"),
    "voided": gettext_lazy("Voided"),
    "expired": gettext_lazy("Authorisation expired"),
}


@register.filter
def payment(status: str) -> str:
    """A word that Shopify adds one day is shown as it is."""
    return str(PAYMENTS.get(status, status.replace("_", " ")))


# n8n's panels show the English labels of `EVENT_TYPES`; these are the portal's.
EVENT_LABELS = {
    "order.created": gettext_lazy("Order created"),
    "order.updated": gettext_lazy("Order changed"),
    "order.cancelled": gettext_lazy("Order cancelled"),
    "invoice.received": gettext_lazy("Invoice received"),
    "ticket.received": gettext_lazy("Ticket received"),
    "message.received": gettext_lazy("Message received"),
    "mail.received": gettext_lazy("E-mail received"),
    "file.received": gettext_lazy("File received"),
}


@register.filter
def event_label(name: str) -> str:
    """What people call `order.created`."""
    if name in EVENT_LABELS:
        return str(EVENT_LABELS[name])
    return EVENT_TYPES[name].label if name in EVENT_TYPES else name


@register.filter
def of(key: str, values: Mapping[str, Any]) -> Any:
    """What stands under a key that is only known here."""
    return values.get(key, "")


# A document is read within seconds; after so long nobody waits in front of it any more.
READ_WITHIN = timedelta(minutes=15)


@register.filter
def is_being_read(invoice: Invoice) -> bool:
    """Whether its row or page asks again by itself until it has been read."""
    is_new = timezone.now() - invoice.created_at < READ_WITHIN
    return invoice.status == Invoice.Status.RECEIVED and is_new


@register.inclusion_tag("portal/_pill.html")
def pill(status: str, label: str) -> dict[str, str]:
    """A status as icon and word; its colour only repeats what they say."""
    tone, symbol = TONES.get(status, ("quiet", "dot"))
    return {"tone": tone, "symbol": symbol, "label": label}


# n8n's words for how a run stands, and ours.
RUN_STATUS = {
    "success": gettext_lazy("Succeeded"),
    "error": gettext_lazy("Failed"),
    "crashed": gettext_lazy("Crashed"),
    "canceled": gettext_lazy("Stopped"),
    "waiting": gettext_lazy("Waits"),
    "running": gettext_lazy("Runs"),
    "new": gettext_lazy("Begins"),
    "unknown": gettext_lazy("Unknown"),
}


@register.inclusion_tag("portal/_pill.html")
def run_pill(run: Run) -> dict[str, str]:
    return pill(run.status, str(RUN_STATUS[run.status]))


@register.inclusion_tag("portal/installations/_mark.html")
def run_mark(run: Run) -> dict[str, str]:
    """A run as one small mark; its shape, title and hidden text say what its colour says."""
    tone, symbol = TONES.get(run.status, ("quiet", "dot"))
    parts = [str(RUN_STATUS[run.status]), run.subject]
    if run.started_at:
        parts.append(date_format(timezone.localtime(run.started_at), "SHORT_DATETIME_FORMAT"))
    return {"tone": tone, "symbol": symbol, "text": ", ".join(filter(None, parts))}


TONES = {
    "planning": ("wait", "clock"),
    "watching": ("wait", "hourglass"),
    "returning": ("wait", "refresh"),
    "returned": ("quiet", "refresh"),
    "ended": ("quiet", "minus"),
    "asked": ("wait", "person"),
    "declined": ("quiet", "minus"),
    "left": ("quiet", "minus"),
    "back": ("wait", "refresh"),
    "edited": ("wait", "edit"),
    "overdue": ("bad", "clock"),
    "retrying": ("quiet", "clock"),
    ExceptionCase.Status.RESOLVED.value: ("good", "check"),
    "paused": ("bad", "pause"),
    "pending": ("wait", "clock"),
    "approved": ("good", "check"),
    "rejected": ("bad", "cross"),
    "expired": ("quiet", "hourglass"),
    "cancelled": ("quiet", "minus"),
    "received": ("quiet", "dot"),
    "reviewed": ("quiet", "dot"),
    "held": ("wait", "pause"),
    "accepted": ("good", "check"),
    "accept": ("good", "check"),
    "hold": ("wait", "pause"),
    "reject": ("bad", "cross"),
    "claimed": ("wait", "arrow"),
    "delivered": ("good", "check"),
    "failed": ("bad", "alert"),
    "unheard": ("quiet", "minus"),
    "deploying": ("wait", "arrow"),
    "provisioning": ("wait", "arrow"),
    "suspended": ("bad", "pause"),
    "leaving": ("wait", "leave"),
    "active": ("good", "check"),
    "removed": ("quiet", "minus"),
    "success": ("good", "check"),
    "error": ("bad", "cross"),
    "crashed": ("bad", "cross"),
    "canceled": ("quiet", "minus"),
    "waiting": ("wait", "pause"),
    "running": ("wait", "arrow"),
    "new": ("wait", "clock"),
    "resumed": ("good", "check"),
    "gone": ("quiet", "minus"),
    "triaged": ("quiet", "dot"),
    "answered": ("good", "check"),
    "handed_over": ("wait", "person"),
    "draft": ("wait", "clock"),
    "reading": ("wait", "arrow"),
    "retired": ("quiet", "minus"),
    "queued": ("wait", "arrow"),
    "sending": ("wait", "arrow"),
    "sent": ("good", "check"),
    "unclear": ("bad", "alert"),
    "withheld": ("quiet", "minus"),
    "read": ("quiet", "dot"),
    "to_check": ("wait", "alert"),
    "quarantined": ("bad", "lock"),
    "matched": ("good", "check"),
    "open": ("quiet", "dot"),
    "closed": ("good", "check"),
    "receipt": ("good", "check"),
    "despatch": ("quiet", "arrow"),
    "replaced": ("wait", "hourglass"),
    "revoked": ("bad", "cross"),
    "failed_log_in": ("wait", "alert"),
    "failed_factor": ("wait", "alert"),
    "locked_out": ("bad", "lock"),
    "key_refused": ("wait", "key"),
    "foreign_tenant": ("bad", "alert"),
    "new_network": ("quiet", "dot"),
    "burst": ("wait", "signal"),
    "review": ("wait", "clock"),
    "published": ("good", "check"),
    "done": ("good", "check"),
    "refused": ("bad", "cross"),
    "override": ("wait", "edit"),
    "outcome": ("quiet", "dot"),
    "platform": ("quiet", "lock"),
    "partner": ("quiet", "hands"),
}


@register.inclusion_tag("portal/_column.html", takes_context=True)
def column(context: template.Context, key: str, label: str, css: str = "") -> dict[str, Any]:
    """A table head that sorts: by `key`, and the other way round when it does so already."""
    sort = context["listing"].sort
    is_sorted = sort.removeprefix("-") == key
    query = context["request"].GET.copy()
    query["sort"] = f"-{key}" if sort == key else key
    query.pop("page", None)
    return {
        "label": label,
        "css": css,
        "address": f"?{query.urlencode()}",
        "direction": ("descending" if sort.startswith("-") else "ascending") if is_sorted else "",
        "target": context["list_id"],
        "key": key,
    }
