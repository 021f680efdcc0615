"""The audit trail, to look at: the platform's own at /admin/, a tenant's in its admin."""

import json
from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from controlplane.audit.models import Entry
from controlplane.core.admin import ReadOnlyModelAdmin

SHOWN = 3
"""Changed fields that a line of the list names; the entry's page has all."""


@admin.register(Entry)
class EntryAdmin(ReadOnlyModelAdmin):
    list_display = ["sequence", "at", "action", "what", "changes", "actor_label"]
    list_filter = ["action", "actor_kind"]
    search_fields = ["subject_id", "actor_label", "action"]
    date_hierarchy = "at"
    ordering = ["-sequence"]
    fieldsets = [
        (None, {"fields": ["at", "action", "what", "actor_label", "execution_id"]}),
        (_("What changed"), {"fields": ["before_and_after"]}),
        (_("Chain"), {"fields": ["sequence", "previous_hash", "hash"]}),
    ]
    readonly_fields = ["what", "before_and_after"]

    @display(description=_("Of"))
    def what(self, entry: Entry) -> str:
        return f"{entry.subject_type} {entry.subject_id}"

    @display(description=_("Changed"))
    def changes(self, entry: Entry) -> str:
        rows = _changes(entry)
        told = [f"{name}: {before} → {after}" for name, before, after in rows[:SHOWN]]
        more = [f"+ {len(rows) - SHOWN}"] if len(rows) > SHOWN else []
        return " · ".join([_short(text) for text in told] + more) or "–"

    @display(description=_("Before and after"))
    def before_and_after(self, entry: Entry) -> str:
        rows = _changes(entry)
        if not rows:
            return format_html("<pre>{}</pre>", json.dumps(entry.data, indent=2))
        return format_html(
            '<table class="pg-changes"><thead><tr><th>{}</th><th>{}</th><th>{}</th></tr></thead>'
            "<tbody>{}</tbody></table>",
            _("Field"), _("Before"), _("After"),
            format_html_join("", "<tr><th>{}</th><td><del>{}</del></td><td>{}</td></tr>", rows),
        )  # fmt: skip


def _changes(entry: Entry) -> list[tuple[str, str, str]]:
    """Field, before, after; none where the entry tells something else."""
    before, after = (entry.data.get(key) for key in ("before", "after"))
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    names = sorted({*before, *after})
    return [(name, _plain(before.get(name)), _plain(after.get(name))) for name in names]


def _plain(value: Any) -> str:
    if value in (None, "", [], {}):
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
