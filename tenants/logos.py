"""A partner's logo: read as a picture and written anew, so that only pixels are kept.

What was uploaded is never served: a file that is a picture to one program and a script to another
does not survive, nor does what a camera wrote beside the picture. SVG is a document with scripts
and is not taken.
"""

import hashlib
import io
import warnings

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from tenants.context import outside
from tenants.models import Partner, PartnerLogo

MAX_BYTES = 200 * 1024
MAX_PIXELS = 4_000_000
SHOWN = (640, 160)
"""The largest box in which it is kept; pages show it a quarter as large, sharp on any screen."""
_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def clean_logo(content: bytes) -> tuple[str, bytes]:
    """The content type and the picture, written anew. Raises ValidationError."""
    if len(content) > MAX_BYTES:
        raise ValidationError(_("The file has more than 200 KB. Save it smaller and try again."))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow warns of what it finds odd; we refuse it
            picture = Image.open(io.BytesIO(content), formats=list(_TYPES))
            kind, (width, height) = str(picture.format), picture.size
            if width * height > MAX_PIXELS:
                raise ValidationError(_("The picture has more than 4 million pixels."))
            picture.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning) as error:
        raise ValidationError(
            _("This is no PNG, JPEG or WebP picture that can be read.")
        ) from error
    plain = picture.convert("RGB" if kind == "JPEG" else "RGBA")
    plain.thumbnail(SHOWN)
    written = io.BytesIO()
    plain.save(written, kind)
    return _TYPES[kind], written.getvalue()


def keep_logo(*, partner: Partner, content_type: str, content: bytes) -> None:
    """In place of the one that it had; `clean_logo` made both. The caller saves the partner."""
    PartnerLogo.objects.update_or_create(
        partner=partner, defaults={"content_type": content_type, "content": content}
    )
    partner.logo_version = hashlib.sha256(content).hexdigest()[:16]


def remove_logo(*, partner: Partner) -> None:
    PartnerLogo.objects.filter(partner=partner).delete()
    partner.logo_version = ""


def logo_of(partner: Partner) -> PartnerLogo | None:
    with outside():
        return PartnerLogo.objects.filter(partner=partner).first()
