"""Where a partner's members log in: the partner's own identity provider."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator, URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from controlplane.core.crypto import EncryptedTextField
from controlplane.core.models import Row
from tenants.models.members import Member
from tenants.models.partners import Partner

domain_is_lower_case = RegexValidator(
    r"^(?=.{4,253}$)[a-z0-9-]+(\.[a-z0-9-]+)+$",
    _("Write the domain as it stands in addresses, such as partner.example."),
)


class SingleSignOn(Row):
    """An OpenID Connect provider that vouches for the addresses of a partner's domains."""

    partner = models.OneToOneField(Partner, on_delete=models.CASCADE, related_name="single_sign_on")
    issuer = models.CharField(
        max_length=200,
        validators=[URLValidator(schemes=["http", "https"])],
        help_text=_("As the provider names itself, such as https://login.partner.example."),
    )
    client_id = models.CharField(max_length=255)
    client_secret = EncryptedTextField()
    email_domains = ArrayField(
        models.CharField(max_length=253, validators=[domain_is_lower_case]),
        help_text=_(
            "Only who has a verified address in one of these comes in. Separate them by commas."
        ),
    )
    is_required = models.BooleanField(
        default=False,
        help_text=_("Members of this partner then log in by it alone, with no password of ours."),
    )
    default_role = models.CharField(
        max_length=10,
        choices=Member.Role,
        default=Member.Role.VIEWER,
        help_text=_("Of somebody who comes for the first time, without an invitation."),
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("single sign-on")
        verbose_name_plural = _("single sign-on")

    def __str__(self) -> str:
        return f"{self.partner}: {self.issuer}"

    def vouches_for(self, email: str) -> bool:
        return email.rpartition("@")[2].lower() in self.email_domains
