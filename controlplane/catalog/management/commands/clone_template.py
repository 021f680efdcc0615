"""`manage.py clone_template TENANT SLUG [name=value …]`: the same as the API's call."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from controlplane.catalog.cloning import clone_template
from controlplane.catalog.models import Installation
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from tenants.context import inside
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Clone a template into a tenant's n8n and wait until it runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="slug of the tenant, or of a sandbox")
        parser.add_argument("slug", help="the template")
        parser.add_argument("--release", default="", help="a version; else the latest live one")
        parser.add_argument("--parameters", default="{}", help="a JSON object of values")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.active().filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no active tenant “{options['tenant']}”.")
        try:
            parameters = json.loads(options["parameters"])
            if not isinstance(parameters, dict):
                raise ValueError("it is no object")
        except ValueError as error:
            raise CommandError(f"--parameters: {error}") from error
        try:
            with inside(tenant):
                made = clone_template(
                    slug=options["slug"],
                    version=options["release"],
                    parameters=parameters,
                    by=system("clone_template"),
                )
        except DomainError as error:
            raise CommandError(error.detail) from error
        if made.status != Installation.Status.ACTIVE:
            raise CommandError(f"{made}: {made.last_error or made.get_status_display()}")
        self.stdout.write(f"{made}: active as workflow {made.workflow_id}")
