"""Partners and their brands."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.names import color_is_hex, slug_is_a_host_label


class Partner(Row):
    """An MSP, ERP partner, system integrator or agency. Its brand is what tenants see."""

    class Kind(models.TextChoices):
        AGENCY = "agency", _("Agency")
        ERP_PARTNER = "erp_partner", _("ERP partner")
        INTEGRATOR = "integrator", _("System integrator")
        MSP = "msp", _("Managed service provider")

    class Tier(models.TextChoices):
        STANDARD = "standard", _("Standard")
        ADVANCED = "advanced", _("Advanced")
        STRATEGIC = "strategic", _("Strategic")

    slug = models.CharField(max_length=40, validators=[slug_is_a_host_label])
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.AGENCY)
    tier = models.CharField(
        max_length=10, choices=Tier, default=Tier.STANDARD, db_default="standard"
    )
    product_name = models.CharField(
        max_length=60, blank=True, help_text=_("What the portal is called. Empty: the name.")
    )
    brand_color = models.CharField(max_length=7, default="#3d5a45", validators=[color_is_hex])
    support_email = models.EmailField(blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["slug"], name="partner_slug_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def brand_name(self) -> str:
        return self.product_name or self.name
