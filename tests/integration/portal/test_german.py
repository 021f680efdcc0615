"""Every text of the portal has its German, and the compiled file is that of the source."""

import gettext
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation import template

FOLDER = Path(settings.LOCALE_PATHS[0]) / "de" / "LC_MESSAGES"
PORTAL = Path(settings.BASE_DIR) / "controlplane" / "portal"
# Below the portal, but shown there: refusals, and what roles, partners and areas are called.
SHOWN = [
    Path(settings.BASE_DIR) / name
    for name in (
        "tenants/access.py",
        "tenants/models/engagements.py",
        "tenants/models/members.py",
        "controlplane/approvals/models/approval.py",
        "controlplane/approvals/models/rules.py",
        "controlplane/approvals/templates/approvals/waiting.txt",
        "controlplane/approvals/templates/approvals/waiting_subject.txt",
    )
]
SHOWN += [
    path
    for folder in ("kinds", "services")
    for path in (Path(settings.BASE_DIR) / "controlplane" / "connections" / folder).glob("*.py")
]
KEYWORDS = DEFAULT_KEYWORDS | {"gettext_lazy": None, "pgettext": ((1, "c"), 2)}


def _texts() -> Iterator[str]:
    for path in [*PORTAL.rglob("*.py"), *PORTAL.rglob("*.html"), *PORTAL.rglob("*.txt"), *SHOWN]:
        source = path.read_text()
        if path.suffix != ".py":
            lines = template.templatize(source, origin=str(path)).splitlines()
            source = "\n".join(line.strip() for line in lines)
        for _line, text, _comments, _context in extract(
            "python", io.BytesIO(source.encode()), keywords=KEYWORDS
        ):
            yield text[0] if isinstance(text, tuple) else text


def test_every_text_is_translated() -> None:
    with (FOLDER / "django.po").open("rb") as file:
        catalog = read_po(file, locale="de")
    known = {
        message.id[0] if isinstance(message.id, tuple) else message.id
        for message in catalog
        if message.string and (not isinstance(message.string, tuple) or all(message.string))
    }
    assert len(known) > 300
    assert sorted(set(_texts()) - known) == []
    assert [(message.id, errors) for message, errors in catalog.check()] == []


def test_the_compiled_file_is_fresh() -> None:
    with (FOLDER / "django.po").open("rb") as file:
        wanted = {
            message.id: message.string
            for message in read_po(file, locale="de")
            if message.id and isinstance(message.id, str)
        }
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    stale = [text for text, german in wanted.items() if compiled.gettext(text) != german]
    assert stale == [], "run manage.py compilemessages"
