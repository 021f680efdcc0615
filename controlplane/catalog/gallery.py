"""The catalog as the gallery in n8n's editor asks for it: the platform's own templates.

The gallery is asked by any browser that shows an editor, so a partner's templates, which its own
tenants alone see, are never among these. Called outside of any tenant.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from controlplane.catalog.cloning import TemplateUnknown
from controlplane.catalog.models import Release, Template
from controlplane.catalog.workflow import with_own_addresses
from controlplane.workflow.shapes import STICKY, Json

MOST = 100
_CATEGORIES = {
    "order": "Orders",
    "invoice": "Invoices",
    "ticket": "Support",
    "message": "Messages",
    "mail": "Messages",
    "file": "Messages",
}
"""By what the events of a template are about."""
_OTHER = "Operations"


@dataclass(frozen=True)
class Shown:
    """A template with its latest live release. `number` is stable, since n8n's are numbers."""

    number: int
    template: Template
    release: Release

    @property
    def categories(self) -> list[str]:
        nouns = [event.partition(".")[0] for event in self.release.terms.events]
        return sorted({_CATEGORIES.get(noun, _OTHER) for noun in nouns}) or [_OTHER]

    @property
    def node_types(self) -> list[str]:
        """Each once, in their order; no notes."""
        nodes = self.release.workflow["nodes"]
        return list(dict.fromkeys(node["type"] for node in nodes if node["type"] != STICKY))

    @property
    def workflow(self) -> Json:
        """To be imported: a Webhook that Pergola calls has an address of its own each time."""
        return with_own_addresses(self.release.workflow)


def shown_templates() -> list[Shown]:
    """By title."""
    found = Template.objects.offered().filter(owner=None).prefetch_related("releases")
    return [
        Shown(number_of(template.slug), template, template.latest)
        for template in found
        if template.latest is not None
    ]


def search(
    *, text: str, categories: Sequence[str], page: int, limit: int
) -> tuple[int, list[Shown]]:
    """How many fit, and those of the page, from 1. Every word has to be in title or summary."""
    words = text.lower().split()
    fitting = [
        one
        for one in shown_templates()
        if all(word in f"{one.template.title} {one.template.summary}".lower() for word in words)
        and (not categories or set(categories) & set(one.categories))
    ]
    limit = max(1, min(limit, MOST))
    start = (max(page, 1) - 1) * limit
    return len(fitting), fitting[start : start + limit]


def get_shown(number: int) -> Shown:
    """Raises TemplateUnknown."""
    for one in shown_templates():
        if one.number == number:
            return one
    raise TemplateUnknown(f"The gallery has no template {number}. Search for it again.")


def category_names() -> list[str]:
    """Those that have templates."""
    return sorted({name for one in shown_templates() for name in one.categories})


def number_of(name: str) -> int:
    """The same in every installation, and small enough for JavaScript."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
