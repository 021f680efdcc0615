"""What a partner's template is called in addresses."""

import re

from django.utils.text import slugify

from controlplane.catalog.models import Template
from tenants.models import Partner

LONGEST = 60


def free_slug(title: str, owner: Partner | None) -> str:
    """`<partner>-<title>`, so that a name tells nothing of what other partners have."""
    words = [word for word in slugify(title).replace("_", "-").split("-") if word]
    stem = "-".join([*([owner.slug] if owner else []), *words]) or "template"
    stem = re.sub(r"^[^a-z]+", "", stem)[: LONGEST - 4].strip("-") or "template"
    if "-" not in stem:
        stem = f"{stem[: LONGEST - 13]}-workflow"
    taken = set(Template.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    slug, number = stem, 1
    while slug in taken:
        number += 1
        slug = f"{stem}-{number}"
    return slug
