"""A partner's brand: typed in the admin, seen on every page and in every mail of its tenants."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from tenants.logos import MAX_BYTES, clean_logo
from tenants.models import Partner, PartnerLogo, Tenant


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 100), **extra: Any) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "#336699").save(written, kind, **extra)
    return written.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def partner(north: Tenant) -> Partner:
    found = north.lead_partner
    assert found is not None
    return found


@pytest.fixture
def operator(db: None) -> Client:
    client = Client(headers={"host": "localhost"})
    root = User.objects.create_superuser("root", "root@example.com", "pw")
    client.force_login(root, "django.contrib.auth.backends.ModelBackend")
    return client


def saved(operator: Client, partner: Partner, **given: Any) -> Any:
    form = {
        "name": partner.name, "slug": partner.slug, "kind": partner.kind, "tier": partner.tier,
        "brand_color": "#1f4e79", **given,
    }  # fmt: skip
    answer = operator.post(f"/admin/tenants/partner/{partner.pk}/change/", form)
    partner.refresh_from_db()
    return answer


@pytest.mark.parametrize(
    ("kind", "served"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")]
)
def test_a_logo_is_shown_on_the_tenants_pages(
    kind: str, served: str, operator: Client, partner: Partner, north: Tenant
) -> None:
    file = SimpleUploadedFile("logo.bin", picture(kind))
    assert saved(operator, partner, logo_file=file).status_code == 302

    page = Client(headers={"host": north.host}).get("/accounts/login/").content.decode()
    assert f'src="/brand/logo?{partner.logo_version}"' in page
    answer = Client(headers={"host": north.host}).get("/brand/logo")
    assert answer["Content-Type"] == served
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "public, max-age=86400"
    assert Image.open(io.BytesIO(answer.content)).format == kind
    assert operator.get(f"/admin/tenants/partner/{partner.pk}/logo/")["Content-Type"] == served


def test_another_tenants_host_does_not_show_it(
    operator: Client, partner: Partner, south: Tenant
) -> None:
    saved(operator, partner, logo_file=SimpleUploadedFile("logo.png", picture()))

    assert Client(headers={"host": south.host}).get("/brand/logo").status_code == 404


def test_a_logo_can_be_removed(operator: Client, partner: Partner, north: Tenant) -> None:
    saved(operator, partner, logo_file=SimpleUploadedFile("logo.png", picture()))
    saved(operator, partner, remove_logo="on")

    assert partner.logo_version == ""
    assert not PartnerLogo.objects.exists()
    assert Client(headers={"host": north.host}).get("/brand/logo").status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        SVG, b"", b"GIF89a" + b"\0" * 40, picture("GIF"), picture("BMP"), picture()[:200],
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100, b"<html>", picture("PNG", (3000, 2000)),
        picture() + b"\0" * MAX_BYTES,
    ],
    ids=[
        "svg", "empty", "broken gif", "gif", "bmp", "cut off", "only a head", "html", "huge",
        "heavy",
    ],
)  # fmt: skip
def test_what_is_no_small_picture_is_refused(
    content: bytes, operator: Client, partner: Partner
) -> None:
    with pytest.raises(ValidationError):
        clean_logo(content)
    answer = saved(operator, partner, logo_file=SimpleUploadedFile("logo.png", content))

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["logo_file"]
    assert not PartnerLogo.objects.exists()


def test_only_the_pixels_are_kept() -> None:
    hidden = b"<script>alert(document.cookie)</script>"
    _type, kept = clean_logo(picture("PNG") + hidden)
    assert hidden not in kept
    exif = Image.Exif()
    exif[0x010E] = hidden.decode()
    _type, kept = clean_logo(picture("JPEG", exif=exif))
    assert hidden not in kept


def test_a_wide_logo_is_made_to_fit() -> None:
    _type, kept = clean_logo(picture("PNG", (2000, 400)))

    assert Image.open(io.BytesIO(kept)).size == (640, 128)


def test_the_footer_stands_under_pages(
    operator: Client, partner: Partner, north: Tenant, browser: Callable[..., Client]
) -> None:
    saved(operator, partner, footer="Brightline <GmbH>, Hafen 1")
    line = "Brightline &lt;GmbH&gt;, Hafen 1"

    assert line in browser(north).get("/orders/").content.decode()
    assert line in Client(headers={"host": north.host}).get("/accounts/login/").content.decode()


def test_who_mails_come_from() -> None:
    plain = Partner(name="Brightline", product_name="Sun")
    named = Partner(name="B", sender_name="Brightline, help", sender_email="help@b.example")

    assert plain.mail_from.startswith("Sun <")
    assert named.mail_from == '"Brightline, help" <help@b.example>'
    assert plain.reply_to == []


@pytest.mark.parametrize("field", ["sender_name", "footer"])
def test_a_second_line_cannot_be_smuggled_in(
    field: str, operator: Client, partner: Partner
) -> None:
    answer = saved(operator, partner, **{field: "Brightline\r\nBcc: all@example.com"})

    assert answer.context["adminform"].form.errors[field]


def test_the_page_has_a_preview(operator: Client, partner: Partner) -> None:
    for page in (f"{partner.pk}/change/", "add/"):
        shown = operator.get(f"/admin/tenants/partner/{page}").content.decode()
        assert 'id="brand-preview"' in shown
        assert "tenants/brand.js" in shown
