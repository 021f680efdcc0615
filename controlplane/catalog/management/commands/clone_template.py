"""`manage.py clone_template TENANT TEMPLATE`: the same as the API's call."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from controlplane.catalog.cloning import clone_template
from controlplane.catalog.management.arguments import add_place, parameters_of
from controlplane.catalog.models import Installation
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from tenants import lookup
from tenants.context import inside


class Command(BaseCommand):
    help = "Clone a template into a tenant's n8n and wait until it runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_place(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        parameters = parameters_of(options["parameters"])
        try:
            with inside(lookup.tenant_by_slug(options["tenant"])):
                made = clone_template(
                    slug=options["template"],
                    version=options["to"],
                    parameters=parameters,
                    by=system("clone_template"),
                )
        except DomainError as error:
            raise CommandError(error.detail) from error
        if made.status != Installation.Status.ACTIVE:
            raise CommandError(f"{made}: {made.last_error or made.get_status_display()}")
        self.stdout.write(f"{made}: active as workflow {made.workflow_id}")
