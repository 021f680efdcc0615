"""`manage.py ingest`: a mail or file by standard input, or what is dropped into a folder."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from controlplane.core.errors import DomainError
from controlplane.events.ingest import ingest_bytes, ingest_folder
from controlplane.events.intake import get_source
from tenants.context import inside
from tenants.lookup import tenant_by_slug


class Command(BaseCommand):
    help = "Hand a mail or a file to a source, as its sender would."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="its short name")
        parser.add_argument("source", help="the source's short name")
        parser.add_argument("file", nargs="?", default="-", help="a file, or - for standard input")
        parser.add_argument("--folder", type=Path, help="take what is dropped into this folder")
        parser.add_argument("--every", type=float, default=0, help="seconds; without it, once")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            while True:
                with inside(tenant_by_slug(options["tenant"])):
                    self._take(options)
                if not options["folder"] or not options["every"]:
                    return
                time.sleep(options["every"])
        except DomainError as error:
            raise CommandError(f"{error.title}. {error.detail}") from error

    def _take(self, options: dict[str, Any]) -> None:
        source = get_source(options["source"])
        if options["folder"]:
            for taken in ingest_folder(source=source, folder=options["folder"]):
                self.stdout.write(f"{taken.path.name}: {taken.refusal or 'taken'}")
            return
        name = "" if options["file"] == "-" else Path(options["file"]).name
        body = sys.stdin.buffer.read() if not name else Path(options["file"]).read_bytes()
        received = ingest_bytes(source=source, body=body, filename=name)
        known = " (known)" if received.is_duplicate else ""
        self.stdout.write(f"{received.event.pk}{known}")
