"""The preview in the admin computes colours as the portal does."""

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser

from controlplane.portal import colors

pytestmark = pytest.mark.e2e

SCRIPT = Path(settings.BASE_DIR) / "tenants" / "static" / "tenants" / "brand.js"
TRIED = [f"#{red}{green}{blue}" for red in ("00", "7f", "ff") for green in ("00", "66", "ff")
         for blue in ("00", "99", "ff")] + ["#3d5a45", "#1f4e79", "#ffd400"]  # fmt: skip


def test_the_arithmetic_is_the_portals(chromium: Browser) -> None:
    page = chromium.new_page()
    page.add_script_tag(path=SCRIPT)
    for color in TRIED:
        for surface in (colors.LIGHT_SURFACE, colors.DARK_SURFACE):
            shown = page.evaluate("([c, s]) => pergolaBrand.variables(c, s)", [color, surface])
            wanted = colors.variables(color, surface)
            assert shown == {
                "brand": wanted["--brand"],
                "onBrand": wanted["--on-brand"],
                "link": wanted["--link"],
            }, (color, surface)
    page.close()
