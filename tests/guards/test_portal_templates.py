"""The portal's templates: they compile, carry nothing inline, and every text can be translated."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines

from controlplane.events.kinds import offered
from tenants.permissions import Permission

FOLDERS = sorted(settings.BASE_DIR.glob("controlplane/*/templates"))
TEMPLATES = sorted(
    str(path.relative_to(folder)) for folder in FOLDERS for path in folder.rglob("*.*")
)
SOURCE = {
    str(path.relative_to(folder)): path.read_text(encoding="utf-8")
    for folder in FOLDERS
    for path in folder.rglob("*.*")
}
INLINE = {
    "a script": re.compile(r"<script(?![^>]*\bsrc=)", re.I),
    "a style element": re.compile(r"<style", re.I),
    "a style attribute": re.compile(r"\sstyle\s*=", re.I),
    "a handler": re.compile(r"\son[a-z]+\s*=", re.I),
    "an HTMX handler": re.compile(r"\shx-on|\shx-vals\s*=\s*.js:", re.I),
    "a javascript address": re.compile(r"javascript:", re.I),
    "something from elsewhere": re.compile(r"(src|href)\s*=\s*.(https?:)?//", re.I),
    "a text that is not escaped": re.compile(r"\|safe\b|\{%\s*autoescape off"),
}
# Of these, Django's own help texts are HTML: the list of what a password needs.
MAY_TRUST = {"portal/_field.html"}
# Plain-text mails are not HTML.
PAGES = [name for name in TEMPLATES if not name.endswith(".txt")]


def test_there_are_templates() -> None:
    assert len(PAGES) > 20


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_compiles(name: str) -> None:
    engines["django"].get_template(name)


@pytest.mark.parametrize("what", INLINE)
def test_nothing_inline(what: str) -> None:
    found = {name for name in PAGES if INLINE[what].search(SOURCE[name])}

    assert found == (MAY_TRUST if what == "a text that is not escaped" else set())


@pytest.mark.parametrize("what", INLINE)
def test_what_is_inline_would_be_found(what: str) -> None:
    planted = {
        "a script": "<script>alert(1)</script>",
        "a style element": "<style>p {}</style>",
        "a style attribute": '<p style="color: red">',
        "a handler": '<a onclick="go()">',
        "an HTMX handler": '<a hx-on:click="go()">',
        "a javascript address": '<a href="javascript:go()">',
        "something from elsewhere": '<img src="//cdn.example/x.png">',
        "a text that is not escaped": "{{ comment|safe }}",
    }

    assert INLINE[what].search(planted[what])


def visible_texts(source: str) -> list[str]:
    """What a reader would see that stands in no translation tag."""
    bare = re.sub(r"\{%\s*(blocktranslate|comment)\b.*?\{%\s*end\1\s*%\}", " ", source, flags=re.S)
    bare = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", bare, flags=re.S)
    bare = re.sub(r"<!--.*?-->|<(script|style|svg)\b.*?</\1>|<[^>]*>", " ", bare, flags=re.S)
    bare = re.sub(r"&\w+;|&#\d+;", " ", bare)
    return [text.strip() for text in bare.splitlines() if re.search(r"[A-Za-z]{3,}", text)]


@pytest.mark.parametrize("name", [name for name in PAGES if name.endswith(".html")])
def test_every_text_can_be_translated(name: str) -> None:
    assert visible_texts(SOURCE[name]) == []


def test_a_text_that_cannot_be_would_be_found() -> None:
    assert visible_texts("<p>{% translate 'Hello' %} there</p>") == ["there"]


@pytest.mark.parametrize("path", sorted(settings.BASE_DIR.rglob("controlplane/*/locale/*/*/*.po")))
def test_translations_keep_their_placeholders(path: Path) -> None:
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        catalog = read_po(file)
    broken = []
    for message in catalog:
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        targets = message.string if isinstance(message.string, tuple) else (message.string,)
        wanted = set(re.findall(r"%\(\w+\)\w", sources[-1]))
        for target in targets:
            if message.id and target and set(re.findall(r"%\(\w+\)\w", target)) - wanted:
                broken.append(target)

    assert broken == []


def test_what_the_portal_shows_of_lower_floors_is_said_in_german() -> None:
    """The names of kinds of sources, and of the states that rows can be in."""
    from babel.messages.pofile import read_po
    from django.apps import apps
    from django.utils.functional import Promise

    path = settings.BASE_DIR / "controlplane/portal/locale/de/LC_MESSAGES/django.po"
    with path.open("rb") as file:
        said = {message.id for message in read_po(file) if message.id and message.string}
    shown = [text for kind in offered() for text in (kind.label, kind.description)]
    for app in ("approvals", "invoices", "knowledge", "orders", "support"):
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.get_fields():
                shown += [label for _value, label in getattr(field, "choices", None) or ()]

    assert len(shown) > 50
    assert [text for text in shown if isinstance(text, Promise) and str(text) not in said] == []


def test_templates_ask_for_permissions_that_there_are() -> None:
    """Django reads a name that is wrong as False, and hides a button from everybody."""
    asked = {found for text in SOURCE.values() for found in re.findall(r"\bmay\.(\w+)", text)}

    assert len(asked) > 6
    assert asked <= set(Permission.values)
