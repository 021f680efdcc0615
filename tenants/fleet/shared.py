"""The shared schema's migrations and rights, only where they are not today's."""

from django.core.management import call_command
from django.db import connections

from tenants import grants
from tenants.fingerprint import known_migrations
from tenants.models import FleetRun
from tenants.router import through_owner


def shared_is_current() -> bool:
    return not pending_of_shared() and _has_todays_rights()


def migrate_shared() -> None:
    """As Django does it: there is one shared schema. Then the rights in it."""
    with through_owner():
        call_command(
            "migrate_schemas", shared=True, database="owner", interactive=False, verbosity=0
        )
    grants.grant_shared()


def pending_of_shared() -> list[str]:
    """Migrations, as `app.name`, that the shared schema has not."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.django_migrations') IS NOT NULL")
        applied = set()
        if cursor.fetchone()[0]:
            cursor.execute("SELECT app || '.' || name FROM public.django_migrations")
            applied = {row[0] for row in cursor.fetchall()}
    return sorted(known_migrations() - applied)


def _has_todays_rights() -> bool:
    """What the last run gave. Asked only where nothing is pending, so its table is there."""
    last = FleetRun.objects.using("owner").first()
    return last is not None and last.shared_rights == grants.shared_digest()
