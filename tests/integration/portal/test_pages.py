"""What holds for all pages: brand, language, zone, policy of content, errors."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client

from controlplane.portal import colors
from controlplane.portal.views import errors
from tenants.models import Member, Partner, Tenant

Browser = Callable[..., Client]
PAGES = [
    "/approvals/",
    "/orders/",
    "/invoices/",
    "/invoices/upload/",
    "/purchase-orders/",
    "/purchase-orders/import/",
    "/goods-receipts/",
    "/goods-receipts/import/",
    "/tickets/",
    "/tickets/new/",
    "/knowledge/",
    "/knowledge/collections/",
    "/knowledge/try/",
    "/installations/",
    "/templates/",
    "/connections/",
    "/connections/new/",
    "/connections/new/rest_oauth2/",
    "/sources/",
    "/sources/new/",
    "/partners/",
    "/members/",
    "/customers/",
    "/profile/",
    "/accounts/security/",
    "/members/invitations/",
    "/members/invitations/new/",
    "/keys/",
    "/keys/new/",
    "/security/",
]


@pytest.mark.parametrize("address", PAGES)
def test_pages_stand_and_keep_to_their_content_policy(
    north: Tenant, browser: Browser, address: str
) -> None:
    answer = browser(north, role="manager").get(address)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Partner North" in page
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert not re.search(r"<style|<script>|\sstyle=|\son\w+=|javascript:|hx-on", page)
    assert page.count("<h1") == 1
    assert not re.search(r"\{[%{#]|[%#}]\}", page)


def test_the_brand_is_the_partners(north: Tenant, south: Tenant) -> None:
    Partner.objects.filter(slug="partner-north").update(brand_color="#ffd400", product_name="Sun")
    css = Client(headers={"host": north.host}).get("/brand.css")
    assert "--on-brand:#000000" in css.content.decode()
    assert css.headers["Content-Type"].startswith("text/css")
    assert "max-age=86400" in css.headers["Cache-Control"]
    login = Client(headers={"host": north.host}).get("/accounts/login/").content.decode()
    assert "Sun" in login
    assert "/brand.css?ffd400" in login
    assert (
        "Sun" not in Client(headers={"host": south.host}).get("/accounts/login/").content.decode()
    )
    mark = Client(headers={"host": north.host}).get("/brand.svg").content.decode()
    assert ">S</text>" in mark


@pytest.mark.parametrize(
    "color",
    ["#000000", "#ffffff", "#ffd400", "#0f5c6e", "#ff0000", "#7f7f7f", "#e0e0e0", "#00ff00"],
)
@pytest.mark.parametrize("surface", [colors.LIGHT_SURFACE, colors.DARK_SURFACE])
def test_every_brand_is_readable(color: str, surface: str) -> None:
    variables = colors.variables(color, surface)
    assert colors.contrast(variables["--link"], surface) >= 4.5
    assert colors.contrast(variables["--brand"], surface) >= 3
    assert colors.contrast(variables["--on-brand"], variables["--brand"]) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert colors.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colors.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_language_and_zone_of_the_member(
    north: Tenant, browser: Browser, make_member: Callable[..., Member]
) -> None:
    client = browser(north, member=make_member(north))
    form = {"language": "de", "time_zone": "America/Chicago"}
    saved = client.post("/profile/", form, follow=True).content.decode()
    assert '<html lang="de">' in saved
    assert re.search(r'datetime="[^"]+-0[56]:00"', saved)
    wrong = client.post("/profile/", {"language": "xx", "time_zone": "Mars/Olympus"})
    assert wrong.status_code == 422
    assert Member.objects.get(user__username="ada-north").language == "de"


def test_an_unknown_address_in_brand(north: Tenant, browser: Browser) -> None:
    answer = browser(north).get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()
    assert "Partner North" in answer.content.decode()


def test_a_broken_page_still_answers(
    north: Tenant, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from controlplane.approvals.models import ApprovalQuerySet

    def broken(*_: Any) -> None:
        raise RuntimeError("broken on purpose")

    client = browser(north)
    client.raise_request_exception = False
    monkeypatch.setattr(ApprovalQuerySet, "pending", broken)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()
    assert "broken on purpose" not in answer.content.decode()


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (
            lambda request: errors.forbidden(request, PermissionDenied("Frag")),
            "Das dürfen Sie nicht",
        ),
        (lambda request: errors.not_found(request, Http404()), "Unter dieser Adresse ist nichts"),
        (errors.failed, "Bei uns ging etwas schief"),
    ],
)
def test_errors_speak_the_tenants_language(north: Tenant, rf: Any, page: Any, words: str) -> None:
    request = rf.get("/")
    request.tenant, request.user = north, AnonymousUser()
    request.tenant.language = "de"
    assert words in page(request).content.decode()


def test_a_broken_page_survives_a_broken_brand(
    north: Tenant, rf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_request: Any) -> None:
        raise ConnectionError("no database")

    monkeypatch.setattr(errors, "brand_shown", down)
    request = rf.get("/")
    request.tenant = north
    answer = errors.failed(request)
    assert answer.status_code == 500
    assert "Pergola" in answer.content.decode()


def test_time_zones_are_offered_by_the_names_that_count(north: Tenant, browser: Any) -> None:
    page = browser(north).get("/profile/").content.decode()
    for zone in ("UTC", "America/New_York", "Asia/Kolkata", "Europe/Berlin"):
        assert f'value="{zone}"' in page
    for alias in ("US/Eastern", "Asia/Calcutta", "Etc/GMT+1"):
        assert f'value="{alias}"' not in page
