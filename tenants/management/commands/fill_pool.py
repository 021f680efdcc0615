"""`manage.py fill_pool [--size N]`: renew what new tenants are copied from, and make spares."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from tenants.models import Spare
from tenants.provisioning.spares import fill_pool


class Command(BaseCommand):
    help = "Renew the template of new tenants where it is stale, and make spares of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--size", type=int, help="how many, instead of SPARE_TENANTS")

    def handle(self, *args: Any, **options: Any) -> None:
        made = fill_pool(size=options["size"])
        self.stdout.write(f"{made} made, {Spare.objects.filter(is_ready=True).count()} ready")
