"""Markdown of templates as HTML that is safe to show: no HTML of its own, no address but http."""

import re

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

LONGEST = 50_000
# Pictures would call other servers, which the page's policy refuses anyway.
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
_MARKDOWN.disable("image")
_TITLE = re.compile(r"\A\s*#\s[^\n]*\n")


def rendered(text: str) -> SafeString:
    """Without its own title, which the page has; headings begin at the third level."""
    html = _MARKDOWN.render(_TITLE.sub("", text[:LONGEST]))
    html = re.sub(r"(</?h)([1-4])(>)", lambda m: f"{m[1]}{int(m[2]) + 2}{m[3]}", html)
    html = html.replace("<a href=", '<a rel="noopener nofollow" href=')
    # Everything that came in was escaped by the renderer, which is told to take no HTML.
    return mark_safe(html)  # noqa: S308
