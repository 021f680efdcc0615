"""`manage.py create_tenant SLUG --name "…" --partner SLUG [--key NAME --scope … --replace-key]`.

Cut off, it is run again: it goes on where it was. What it cannot do again is to tell the text of a
key that was issued before; then it fails at the end and says how to get another.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from controlplane.core.actor import Actor, system
from controlplane.core.errors import DomainError
from tenants.keys import replace_key
from tenants.models import Partner, Tenant
from tenants.provisioning import FirstKey, create_tenant, provision_tenant


class Command(BaseCommand):
    help = "Create a tenant that a partner leads, and bind it to the partner's n8n."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--partner", required=True, help="slug of the partner that leads it")
        parser.add_argument("--language", default="en")
        parser.add_argument("--time-zone", default="UTC")
        parser.add_argument("--region", default="", help="where its data stays, such as eu")
        parser.add_argument("--key", help="name of a first API key, which is printed")
        parser.add_argument("--scope", action="append", default=[], help="of that key; repeat it")
        parser.add_argument(
            "--replace-key",
            action="store_true",
            help="where the tenant is there already: another key of that name, the old one ends",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        partner = Partner.objects.filter(slug=options["partner"]).first()
        if partner is None:
            raise CommandError(f"there is no partner {options['partner']!r}")
        by = system("create_tenant")
        try:
            created = create_tenant(
                slug=options["slug"],
                name=options["name"],
                partner=partner,
                language=options["language"],
                time_zone=options["time_zone"],
                region=options["region"],
                first_key=(
                    FirstKey(options["key"], tuple(options["scope"])) if options["key"] else None
                ),
                by=by,
            )
            self.stdout.write(f"{created.tenant.slug}: {created.tenant.portal_url}")
            if created.key:
                self.stdout.write(created.key)
            provision_tenant(created.tenant, by=by, progress=self.stdout.write)
            if options["key"] and not created.key:
                self._tell_other_key(created.tenant, options, by)
        except DomainError as error:
            raise CommandError(error.detail) from error

    def _tell_other_key(self, tenant: Tenant, options: dict[str, Any], by: Actor) -> None:
        if not options["replace_key"]:
            raise CommandError(
                f"{tenant.slug} was there already; no key was issued, and the text of one that was "
                "is kept nowhere. Rotate it in the portal under “API keys”, or run this again with "
                "--replace-key: it prints another key of that name, and the old one ends."
            )
        name, scopes = options["key"], options["scope"]
        self.stdout.write(replace_key(tenant=tenant, name=name, scopes=scopes, by=by))
