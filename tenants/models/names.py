"""What a slug, a zone, a language, a colour, a region and a currency may look like."""

from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from controlplane.core.money import is_currency

slug_is_a_host_label = RegexValidator(
    r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
    _("Use 1 to 40 lower-case letters, digits and hyphens, starting with a letter."),
)


def zone_is_known(name: str) -> None:
    """Raises ValidationError for what is no IANA time zone."""
    if name not in available_timezones():
        raise ValidationError(
            _("“%(name)s” is no time zone. Write one such as Europe/Berlin."), params={"name": name}
        )


def language_is_offered(code: str) -> None:
    """Raises ValidationError for a language that the portal does not speak."""
    if code not in dict(settings.LANGUAGES):
        raise ValidationError(
            _("“%(code)s” is not offered. Choose one of: %(offered)s."),
            params={"code": code, "offered": ", ".join(dict(settings.LANGUAGES))},
        )


def currency_is_known(code: str) -> None:
    """Raises ValidationError for what is no ISO 4217 code in capitals."""
    if not is_currency(code):
        raise ValidationError(
            _("“%(code)s” is no currency. Write its ISO 4217 code, such as EUR."),
            params={"code": code},
        )


color_is_hex = RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Write the colour as #RRGGBB."))

region_is_a_label = RegexValidator(
    r"^[a-z][a-z0-9-]{0,19}$",
    _("Use 1 to 20 lower-case letters, digits and hyphens, such as eu or us-east."),
)

in_one_line = RegexValidator(r"^[^\r\n\0]*\Z", _("Write it in one line."))
