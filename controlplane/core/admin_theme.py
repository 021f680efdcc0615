"""How the admin looks; unfold's own settings, of which `controlplane.settings` takes the whole."""

from typing import Any

from django.templatetags.static import static

# Lightness and chroma of each step, at one hue: a pergola's green.
PERGOLA_GREEN = {
    step: f"oklch({lightness}% {chroma} 152)"
    for step, lightness, chroma in (
        ("50", 97, 0.012), ("100", 94, 0.028), ("200", 88, 0.05), ("300", 79, 0.075),
        ("400", 67, 0.095), ("500", 55, 0.09), ("600", 46, 0.08), ("700", 39, 0.067),
        ("800", 33, 0.054), ("900", 28, 0.044), ("950", 19, 0.03),
    )
}  # fmt: skip
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Pergola",
    "SITE_HEADER": "Pergola",
    "SITE_SYMBOL": "deck",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _r: "/brand.svg"}],
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {"primary": PERGOLA_GREEN},
    "STYLES": [lambda _r: static("tenants/admin.css")],
    "ENVIRONMENT": "controlplane.core.admin.where",
    "ENVIRONMENT_TITLE_PREFIX": "controlplane.core.admin.where_title",
    "SIDEBAR": {"show_search": True, "navigation": "controlplane.core.admin.navigation"},
}
