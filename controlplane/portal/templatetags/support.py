"""How the portal writes what triage and answers say: confidence, intents, languages, urgency."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from babel import Locale
from babel.numbers import format_percent
from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, to_locale

from controlplane.knowledge.models import DocumentVersion
from controlplane.support.queues import label_of, queue_label

register = template.Library()

URGENCY_TONES = {
    "low": ("quiet", "down"),
    "normal": ("quiet", "minus"),
    "high": ("wait", "up"),
    "critical": ("bad", "alert"),
}


def _locale() -> str:
    return to_locale(get_language() or "en")


@register.filter
def share(value: float | None) -> str:
    """A confidence between 0 and 1 in whole percent, rounded down as policies do: what is not
    quite sure is never 100 %."""
    if value is None:
        return "–"
    # 0.57 * 100 is a little less than 57.
    whole = int(value * 100 + 1e-9)
    return str(format_percent(whole / 100, locale=_locale()))


@register.filter
def intent(name: str) -> str:
    """`order_status` as people write it: a tenant may call its intents as it likes."""
    return label_of(name)


@register.filter
def queue(name: str) -> str:
    """The people whom a ticket was handed to, in words."""
    return queue_label(name)


@register.filter
def language(code: str) -> str:
    """The name of an ISO 639-1 language in the reader's language."""
    if not code:
        return "–"
    name = str(Locale.parse(_locale()).languages.get(code, code))
    return name[:1].upper() + name[1:]


@register.inclusion_tag("portal/_pill.html")
def urgency(value: str, label: str) -> dict[str, str]:
    tone, symbol = URGENCY_TONES.get(value, ("quiet", "dot"))
    return {"tone": tone, "symbol": symbol, "label": label}


@register.simple_tag
def bar(value: float | None, tone: str = "", marks: Sequence[float] = ()) -> SafeString:
    """A share of 1 as a bar, beside the words that say it; `marks` are thresholds on it.

    Drawn as SVG, since a style attribute would be against the content policy.
    """
    width = round(max(0.0, min(1.0, value or 0.0)) * 100, 1)
    ticks = format_html_join(
        "", '<rect class="bar-mark" x="{}" width="0.8" height="8"/>',
        ((round(mark * 100 - 0.4, 1),) for mark in marks),
    )  # fmt: skip
    return format_html(
        '<svg class="bar-drawn{}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"'
        ' focusable="false"><rect class="bar-ground" width="100" height="8"/>'
        '<rect class="bar-fill" width="{}" height="8"/>{}</svg>',
        f" bar-{tone}" if tone else "",
        width,
        ticks,
    )


@register.filter
def document_kind(kind: str | None) -> str:
    return str(DocumentVersion.Kind(kind).label) if kind else "–"


@register.simple_tag
def document_state(state: str) -> str:
    return str(DocumentVersion.Status(state).label)


@register.filter
def is_web_address(address: str) -> bool:
    """Whether it may stand in a link: `javascript:` for one may not."""
    return urlsplit(address).scheme in {"http", "https"}
