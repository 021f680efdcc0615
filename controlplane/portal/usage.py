"""What a workspace may use and has used, as its people read it."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.limits.plans import Resource, written
from tenants.limits.use import Use, uses_now

TONES = {"fine": "", "near": "wait", "full": "bad"}
# What each is called, and what becomes of what is over.
SHOWN: dict[str, tuple[Promise, Promise]] = {
    Resource.REQUESTS: (
        _("Requests in this minute"), _("Calls are refused until the minute is over."),
    ),
    Resource.EVENTS: (_("Events today (UTC)"), _("New events are refused until midnight UTC.")),
    Resource.STORAGE: (_("Storage"), _("Nothing more is kept.")),
    Resource.MODEL_SPEND: (
        _("Language models this month (UTC)"),
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
    return [_row(each) for each in uses_now()]


def _row(each: Use) -> Row:
    title, consequence = SHOWN[each.resource]
    return Row(
        title=str(title),
        used=written(each.resource, each.used),
        allowed=written(each.resource, each.allowed),
        share=each.percent / 100,
        tone=TONES[each.state],
        consequence=str(consequence) if each.state == "full" else "",
    )
