"""The pages of a PDF as pictures: a customer's PDF itself is never shown by the browser."""

import base64
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from controlplane.invoices.models import Invoice
from controlplane.invoices.reading import render_page
from tenants import files

MOST_PAGES = 50
_WIDTH = 1100
_KEPT_SECONDS = 60 * 60


@dataclass(frozen=True)
class Picture:
    """A page; `width` and `height` are the page's own, in points, in which boxes are told."""

    number: int
    pages: int
    png: bytes
    width: str
    height: str
    failure: str = ""


def picture_of(invoice: Invoice, number: int) -> Picture:
    """Drawn in a limited process, once an hour for each page. Raises FileGone."""
    key = f"invoice-page:{invoice.sha256}:{number}"
    drawn: dict[str, Any] | None = cache.get(key)
    if drawn is None:
        drawn = render_page(files.path_of(invoice.sha256), page=number, width=_WIDTH)
        cache.set(key, drawn, _KEPT_SECONDS)
    if reason := drawn.get("reason"):
        return Picture(number, 0, b"", "0", "0", failure=reason["message"])
    return Picture(
        number=number,
        pages=min(drawn["pages"], MOST_PAGES),
        png=base64.b64decode(drawn["png"]),
        width=str(drawn["page_width"]),
        height=str(drawn["page_height"]),
    )
