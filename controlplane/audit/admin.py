"""The audit trail, to look at: the platform's own at /admin/, a tenant's in its admin."""

import json

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from controlplane.audit.changes import rows_changed
from controlplane.audit.models import Checkpoint, Entry
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
        rows = rows_changed(entry)
        told = [f"{name}: {before} → {after}" for name, before, after in rows[:SHOWN]]
        more = [f"+ {len(rows) - SHOWN}"] if len(rows) > SHOWN else []
        return " · ".join([_short(text) for text in told] + more) or "–"

    @display(description=_("Before and after"))
    def before_and_after(self, entry: Entry) -> str:
        rows = rows_changed(entry)
        if not rows:
            return format_html("<pre>{}</pre>", json.dumps(entry.data, indent=2))
        return format_html(
            '<table class="pg-changes"><thead><tr><th>{}</th><th>{}</th><th>{}</th></tr></thead>'
            "<tbody>{}</tbody></table>",
            _("Field"), _("Before"), _("After"),
            format_html_join("", "<tr><th>{}</th><td><del>{}</del></td><td>{}</td></tr>", rows),
        )  # fmt: skip


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyModelAdmin):
    """How the chain stood, signed. A copy of these elsewhere proves that no end was cut off."""

    list_display = ["number", "at", "made_for", "sequence", "entries", "base_sequence", "key_id"]
    list_filter = ["made_for"]
    date_hierarchy = "at"
    ordering = ["-number"]
