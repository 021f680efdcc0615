"""`manage.py remove_tenant SLUG [--now]`: all that a leaving tenant has; prints the certificate."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from tenants.leaving import remove_tenant


class Command(BaseCommand):
    help = "Remove a tenant that is leaving, and certify what was removed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument(
            "--now", action="store_true", help="before the end of its time of grace"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            departure = remove_tenant(
                slug=options["slug"],
                now=options["now"],
                by=system("remove_tenant"),
                progress=self.stderr.write,
            )
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(json.dumps(departure.certificate, indent=1, ensure_ascii=False))
