"""`manage.py load_templates [FOLDER]`: make releases of workflow-templates/."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from controlplane.catalog.loader import load_all
from controlplane.core.errors import DomainError


class Command(BaseCommand):
    help = "Load every template folder as a release; versions that are known are left as they are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        default = settings.BASE_DIR / "workflow-templates"
        parser.add_argument("folder", nargs="?", type=Path, default=default)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            loaded = load_all(options["folder"])
        except DomainError as error:
            raise CommandError(error.detail) from error
        for release, is_new in loaded:
            self.stdout.write(f"{release}: {'released' if is_new else 'known'}")
