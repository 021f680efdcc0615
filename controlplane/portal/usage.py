"""What a workspace may use and has used, as its people read it."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from controlplane.core.money import Money
from controlplane.portal.templatetags.portal import localized
from tenants.limits.plans import USD, Resource
from tenants.limits.usage import Usage, usage_now

TONES = {"fine": "", "nearly": "wait", "over": "bad"}


def _number(amount: int) -> str:
    return number_format(amount, force_grouping=True)


def _dollars(millionths: int) -> str:
    return localized(Money((Decimal(millionths) / USD).quantize(Decimal("0.01")), "USD"))


# What each is called, how its amounts are written, and what becomes of what is over.
SHOWN: dict[str, tuple[Promise, Callable[[int], str], Promise]] = {
    Resource.REQUESTS: (
        _("Requests in this minute"), _number, _("Calls are refused until the minute is over."),
    ),
    Resource.EVENTS: (
        _("Events today (UTC)"), _number, _("New events are refused until midnight UTC."),
    ),
    Resource.STORAGE: (_("Storage"), filesizeformat, _("Nothing more is kept.")),
    Resource.MODEL_SPEND: (
        _("Language models this month (UTC)"), _dollars,
        _("Answers are quoted from their sources until the month ends."),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """`share` is of 1; `consequence` is empty while something is left."""

    title: str
    used: str
    allowed: str
    share: float
    tone: str
    consequence: str


def rows_now() -> list[Row]:
    """Of the tenant that is entered."""
    return [_row(each) for each in usage_now()]


def _row(each: Usage) -> Row:
    title, written, consequence = SHOWN[each.resource]
    return Row(
        title=str(title),
        used=written(each.used),
        allowed=written(each.allowed),
        share=each.share,
        tone=TONES[each.state],
        consequence=str(consequence) if each.state == "over" else "",
    )
