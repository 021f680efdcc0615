"""What was agreed with a customer about its data: a row for each agreement, and none is changed."""

from datetime import date
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.names import in_one_line
from tenants.models.tenants import Tenant


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def newest_first(self) -> Self:
        """Of two that hold from the same day, the one that was written down later comes first."""
        return self.order_by("-valid_from", "-created_at", "-pk")

    def in_force(self, *, on: date) -> Self:
        """The first of these is the one that holds on that day (UTC)."""
        return self.filter(valid_from__lte=on).newest_first()


class Agreement(Row):
    """Whose the data is, what models may do with it and where it may be processed, from a day on.

    Said of the customer: its sandbox goes by it too. A correction is another row, so that what held
    on any day can still be told.
    """

    class Assistance(models.TextChoices):
        NONE = "none", _("No language model sees it")
        SUGGEST = "suggest", _("Models suggest, people decide")
        DECIDE = "decide", _("Models decide where a rule lets them")

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="agreements")
    data_owner = models.CharField(
        _("the data belongs to"),
        max_length=120,
        validators=[in_one_line],
        help_text=_("A company, such as Nordwind GmbH."),
    )
    ai_assisted = models.CharField(
        _("AI-assisted decisions"), max_length=7, choices=Assistance, default=Assistance.SUGGEST
    )
    processed_in = models.CharField(
        _("processed in"),
        max_length=200,
        validators=[in_one_line],
        help_text=_("Regions or countries, such as EU and CH."),
    )
    subprocessors = models.TextField(
        _("subprocessors"),
        blank=True,
        max_length=2000,
        help_text=_("One a line, with its country."),
    )
    valid_from = models.DateField(_("valid from"))
    agreed_by = models.CharField(
        _("agreed by"),
        max_length=200,
        validators=[in_one_line],
        help_text=_("Who signed for the customer, and for whom."),
    )
    document = models.CharField(
        _("document"),
        max_length=200,
        validators=[in_one_line],
        help_text=_("Where the paper is found, such as DPA-2026-014."),
    )
    recorded_by = models.CharField(max_length=200, editable=False)

    objects = AgreementQuerySet.as_manager()

    class Meta:
        ordering = ["-valid_from", "-created_at"]
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        indexes = [models.Index(fields=["tenant", "-valid_from"], name="agreement_in_force")]

    def __str__(self) -> str:
        return f"{self.document} ({self.valid_from:%Y-%m-%d})"
