"""Files of the entered tenant that no row names any more.

Any column of 64 characters whose name ends in `sha256` counts as naming a file, whether it does or
not: a file that stays too long is better than a row whose file is gone.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from django.apps import apps
from django.db import connection, models, router

from tenants import files

DIGEST_LENGTH = 64
AT_ONCE = 500


def unreferenced_files(before: datetime) -> Iterator[str]:
    """SHA-256 of each file that was last written before that time and is in no row."""
    stored = files.stored_before(before)
    while digests := list(islice(stored, AT_ONCE)):
        named: set[str] = set()
        for model, field in naming_columns():
            found = model._default_manager.filter(**{f"{field}__in": digests})
            named.update(found.values_list(field, flat=True))
        yield from sorted(set(digests) - named)


def naming_columns() -> list[tuple[type[models.Model], str]]:
    """Of the tables of the schema that is entered."""
    return [
        (model, field.name)
        for model in apps.get_models()
        if router.allow_migrate_model(connection.alias, model)
        for field in model._meta.local_fields
        if field.name.endswith("sha256") and field.max_length == DIGEST_LENGTH
    ]
