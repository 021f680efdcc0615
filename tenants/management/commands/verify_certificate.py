"""`manage.py verify_certificate FILE|SLUG [--public-key …]`: exit status 1 where it is false."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from tenants.leaving.certificate import CertificateInvalid, verify
from tenants.models import Departure


class Command(BaseCommand):
    help = "Verify a certificate of removal: a file, or the latest of a tenant that was removed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("certificate", help="a file, or the tenant's slug")
        parser.add_argument("--public-key", default="", help="instead of this platform's own")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            content = verify(self._read(options["certificate"]), public_key=options["public_key"])
        except CertificateInvalid as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{content['tenant']['slug']}, removed {content['removed_at']}: holds")
        for row in content["removed"]:
            self.stdout.write(
                f"  {row['kind']}: {row['found']} found, {row['removed']} removed,"
                f" {row['left']} left"
            )

    def _read(self, named: str) -> dict[str, Any]:
        path = Path(named)
        if path.is_file():
            try:
                found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise CommandError(f"{path} holds no JSON: {error}") from error
            return found
        departure = Departure.objects.filter(slug=named, removed_at__isnull=False).first()
        if departure is None or departure.certificate is None:
            raise CommandError(f"{named!r} is no file, and no tenant of that name was removed")
        return dict(departure.certificate)
