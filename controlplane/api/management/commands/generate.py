"""`manage.py generate [--check]`: what follows from operations, permissions and connections."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from controlplane.catalog import pictures_page
from controlplane.connections import kinds_page
from controlplane.events.types import EVENT_TYPES
from controlplane.nodes import docs, node_pages, typescript
from controlplane.nodes.registry import all_operations
from controlplane.policies import contexts_page
from tenants import permissions_page
from tenants.retention import terms_page

# Folders that hold generated files only: what is not rendered any more is removed there.
OWNED = ("n8n-nodes/nodes/Pergola/resources", "docs/nodes", "docs/operations")


def rendered() -> dict[str, str]:
    """Path below the repository to text."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    if GENERATOR_STATS:
        raise CommandError("drf-spectacular warns above: the schema does not say what the API does")
    openapi = json.dumps(schema, indent=2, ensure_ascii=False, default=str) + "\n"
    operations = all_operations()
    return {
        **typescript.render(operations, EVENT_TYPES.values()),
        **docs.render(operations),
        **node_pages.render(operations, EVENT_TYPES.values()),
        **permissions_page.render(),
        **terms_page.render(),
        **contexts_page.render(),
        **kinds_page.render(),
        **pictures_page.render(),
        "docs/openapi.json": openapi,
    }


class Command(BaseCommand):
    help = "Write TypeScript, OpenAPI and docs from what is declared, or check that they fit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail on drift")

    def handle(self, *args: Any, **options: Any) -> None:
        root: Path = settings.BASE_DIR
        wanted = rendered()
        present = {
            str(path.relative_to(root))
            for folder in OWNED
            for path in (root / folder).rglob("*")
            if path.is_file()
        }
        stale = sorted(present - set(wanted))
        changed = sorted(
            name
            for name, text in wanted.items()
            if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != text
        )
        if options["check"]:
            if drift := changed + stale:
                raise CommandError(f"run `make generate`; these have drifted: {', '.join(drift)}")
            self.stdout.write(f"{len(wanted)} generated files fit")
            return
        for name in stale:
            (root / name).unlink()
        for name in changed:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(wanted[name], encoding="utf-8")
        self.stdout.write(f"{len(changed)} written, {len(stale)} removed, of {len(wanted)}")
