"""What a partner does in a tenant, and which parts of the work are its own."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.partners import Partner
from tenants.models.tenants import Tenant


class Engagement(Row):
    """What a partner does in a tenant. Exactly one partner leads: its brand is shown."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="engagements")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="engagements")
    is_lead = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "tenant"], name="engagement_unique"),
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(is_lead=True), name="engagement_one_lead"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner} at {self.tenant}"


class Ownership(Row):
    """One part of a tenant's work that an engagement owns; each part has at most one owner.

    `tenant` is the engagement's, repeated so that the database can say "one owner".
    """

    class Area(models.TextChoices):
        PROCESS_DESIGN = "process_design", _("Process design")
        AUTOMATION = "automation", _("Automation")
        INFRASTRUCTURE = "infrastructure", _("Infrastructure")
        OPTIMISATION = "optimisation", _("Optimisation")
        SUPPORT = "support", _("Support")
        ESCALATION = "escalation", _("Escalation")

    engagement = models.ForeignKey(Engagement, on_delete=models.CASCADE, related_name="ownerships")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="ownerships")
    area = models.CharField(max_length=14, choices=Area)

    class Meta:
        ordering = ["area"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "area"],
                name="ownership_one_owner",
                violation_error_message=_("Another partner owns this part already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_area_display()} of {self.tenant}"
