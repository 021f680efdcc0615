"""Pictures of workflows for pages."""

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from controlplane.workflow.picture.drawing import draw
from controlplane.workflow.shapes import Json


def picture(workflow: Json, *, since: Json | None = None) -> SafeString:
    """SVG to put into a page; with `since`, what changed since that version is marked."""
    # `draw` escapes every text of the workflow, and takes over no other markup.
    return mark_safe(draw(workflow, since=since, translate=gettext))  # noqa: S308
