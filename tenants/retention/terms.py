"""The one table of how long data is kept, in days, where a tenant has no rule of its own."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class Classification(models.TextChoices):
    PUBLIC = "public", _("Public")
    INTERNAL = "internal", _("Internal")
    CONFIDENTIAL = "confidential", _("Confidential")
    PERSONAL = "personal", _("Personal data")


@dataclass(frozen=True)
class Terms:
    """A rule may say from `minimum` to `maximum` days. `is_purged` false: kept all the same."""

    default: int
    minimum: int
    maximum: int
    classification: Classification
    is_purged: bool = True


YEAR = 365
# Books and vouchers: eight years to the end of the calendar year (§ 147 AO, § 257 HGB).
VOUCHERS = 9 * YEAR

TERMS = {
    # class            default       min       max
    "approvals": Terms(10 * YEAR, VOUCHERS, 30 * YEAR, Classification.CONFIDENTIAL),
    "tickets": Terms(3 * YEAR, 30, 10 * YEAR, Classification.PERSONAL),
    "answers": Terms(3 * YEAR, 30, 10 * YEAR, Classification.PERSONAL),
    "orders": Terms(10 * YEAR, 30, 30 * YEAR, Classification.PERSONAL),
    "invoices": Terms(10 * YEAR, VOUCHERS, 30 * YEAR, Classification.CONFIDENTIAL),
    "procurement": Terms(10 * YEAR, VOUCHERS, 30 * YEAR, Classification.CONFIDENTIAL),
    "documents": Terms(10 * YEAR, 30, 30 * YEAR, Classification.INTERNAL),
    "exceptions": Terms(YEAR, 30, 10 * YEAR, Classification.PERSONAL),
    "events": Terms(YEAR, 30, 10 * YEAR, Classification.PERSONAL),
    "calls": Terms(90, 7, YEAR, Classification.INTERNAL),
    "executions": Terms(30, 1, YEAR, Classification.CONFIDENTIAL),
    "workflows": Terms(YEAR, 30, 10 * YEAR, Classification.INTERNAL),
    "decisions": Terms(10 * YEAR, YEAR, 30 * YEAR, Classification.CONFIDENTIAL),
    # A signed checkpoint stays of what goes, and the rest of the chain verifies from there.
    "audit": Terms(10 * YEAR, VOUCHERS, 30 * YEAR, Classification.PERSONAL),
}
"""In the order in which they are purged: what others refer to comes after them."""
