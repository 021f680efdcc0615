"""What is said about how long data is kept is what the purge does."""

import re

import pytest
from django.conf import settings

from tenants.retention.classes import all_classes
from tenants.retention.terms import TERMS
from tenants.retention.terms_page import PATH, render


def test_every_class_has_a_row_with_its_days() -> None:
    page = render()[PATH]

    rows = {
        found[1]: [int(days.replace(",", "")) for days in found.groups()[1:]]
        for found in re.finditer(r"\(`(\w+)`\) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|", page)
    }
    assert rows == {
        name: [terms.default, terms.minimum, terms.maximum] for name, terms in TERMS.items()
    }
    assert {each.name for each in all_classes()} == set(TERMS), "each is some app's"
    assert (settings.BASE_DIR / PATH).read_text() == page, "run `make generate`"


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md", "docs/tenants.md", "docs/audit.md"])
def test_no_page_says_that_the_trail_is_never_purged(name: str) -> None:
    text = " ".join((settings.BASE_DIR / name).read_text().split())

    assert TERMS["audit"].is_purged
    assert not re.findall(r"[Tt]rail (?:is not purged|is kept whole|\| kept whole)", text)
