"""Partners and their brands."""

from email.utils import formataddr, parseaddr

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.names import color_is_hex, in_one_line, slug_is_a_host_label


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
    support_email = models.EmailField(
        blank=True, help_text=_("Where people of its tenants find help, and where answers go.")
    )
    sender_name = models.CharField(
        max_length=80,
        blank=True,
        default="",
        db_default="",
        validators=[in_one_line],
        help_text=_("Who mails come from. Empty: what the portal is called."),
    )
    sender_email = models.EmailField(
        blank=True,
        default="",
        db_default="",
        help_text=_(
            "The address that mails come from; its domain must let Pergola's mail server send "
            "(SPF, DKIM). Empty: the platform's address."
        ),
    )
    footer = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[in_one_line],
        help_text=_("One line under every page and mail, such as company, address and register."),
    )
    logo_version = models.CharField(
        max_length=16, blank=True, default="", db_default="", editable=False
    )
    requires_mfa = models.BooleanField(
        _("requires a second factor"),
        default=False,
        db_default=False,
        help_text=_("Its members set one up before they can go on."),
    )

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["slug"], name="partner_slug_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def brand_name(self) -> str:
        return self.product_name or self.name

    @property
    def mail_from(self) -> str:
        """The sender of mails about the portal, as a header says it."""
        _name, platform = parseaddr(settings.DEFAULT_FROM_EMAIL)
        return formataddr((self.sender_name or self.brand_name, self.sender_email or platform))

    @property
    def reply_to(self) -> list[str]:
        """Where an answer to such a mail goes; empty where nobody was named."""
        return [self.support_email] if self.support_email else []


class PartnerLogo(Row):
    """The picture beside its name; apart from the partner, who is read with every page."""

    partner = models.OneToOneField(Partner, on_delete=models.CASCADE, related_name="logo")
    content_type = models.CharField(max_length=20)
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"Logo of {self.partner}"
