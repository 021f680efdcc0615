"""How values of the fleet page look: a word with a tone, a bar against a limit."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.fleet_page import Bar, Cell, Column, Mark
from tenants.limits.use import FULL, NEAR, state_of
from tenants.models import Tenant

_TONES = {"fine": "plain", "near": "warning", "full": "danger"}


def shown(cell: Cell | None) -> SafeString | str:
    if cell is None:
        return "–"
    if isinstance(cell, Mark):
        tone = cell.tone or "plain"
        if cell.link:
            return format_html(
                '<a class="pg-mark pg-{}" title="{}" href="{}">{}</a>',
                tone, cell.title, cell.link, cell.text,
            )  # fmt: skip
        return format_html(
            '<span class="pg-mark pg-{}" title="{}">{}</span>', tone, cell.title, cell.text
        )
    if isinstance(cell, Bar):
        return format_html(
            '<span class="pg-use" title="{}"><meter class="pg-{}" min="0" max="100" low="{}" '
            'high="{}" value="{}">{}</meter><span>{}</span></span>',
            cell.title, _TONES[state_of(cell.percent)], NEAR, FULL, min(cell.percent, 100),
            cell.text, cell.text,
        )  # fmt: skip
    return cell


def as_display(column: Column) -> Any:
    """What `list_display` takes; the page has loaded the values for all its rows."""

    def cell(tenant: Tenant) -> SafeString | str:
        return shown(tenant.cells[column.name].get(tenant.pk))  # type: ignore[attr-defined]

    cell.short_description = column.label  # type: ignore[attr-defined]
    if column.order is not None:
        cell.admin_order_field = column.order  # type: ignore[attr-defined]
    cell.__name__ = f"column_{column.name}"
    return cell
