"""Migrate the shared schema and every tenant, as the owner: `manage.py migrate_fleet`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from tenants.fleet.display import display_for
from tenants.fleet.plan import describe, plan_fleet
from tenants.fleet.run import MOST_SHOWN, Summary, migrate_fleet
from tenants.fleet.sessions import FleetIsMigrated

INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Migrate the shared schema, then every tenant's, several at once. What is up to date is "
        "skipped, so it may be run at every deployment and again after a failure."
    )
    # The checks load every address of the portal and the API, which takes longer than the rest.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--plan", action="store_true", help="say what would be done, and stop")
        parser.add_argument("--jobs", type=int, default=4, help="connections at once (4)")
        parser.add_argument(
            "--lock-timeout", type=float, default=2.0, help="seconds to wait for a table (2)"
        )
        parser.add_argument(
            "--tries", type=int, default=6, help="how often a locked tenant is tried (6)"
        )
        parser.add_argument(
            "--tenant", action="append", default=[], metavar="SLUG", help="this one; repeatable"
        )
        parser.add_argument(
            "--grants", action="store_true", help="renew the rights of everybody, too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"]:
            for line in describe(plan_fleet(options["tenant"])):
                self.stdout.write(line)
            return
        try:
            summary = migrate_fleet(
                display=display_for(self.stdout),  # type: ignore[arg-type]  # a stream in a wrapper
                slugs=options["tenant"],
                jobs=max(1, options["jobs"]),
                lock_timeout=options["lock_timeout"],
                tries=max(1, options["tries"]),
                renew_rights=options["grants"],
            )
        except FleetIsMigrated as error:
            raise CommandError(error.detail) from error
        self._say(summary)

    def _say(self, summary: Summary) -> None:
        shared = "up to date" if summary.shared_was_current else "migrated"
        self.stdout.write(f"shared schema: {shared}")
        self.stdout.write(
            f"tenants: {summary.done} migrated, {summary.failed} failed, {summary.skipped} were "
            f"up to date, in {summary.seconds:.1f} s"
        )
        if summary.was_stopped:
            left = summary.total - summary.done - summary.failed
            raise CommandError(
                f"Stopped with {left} tenants left. Run migrate_fleet again for them.",
                returncode=INTERRUPTED,
            )
        if summary.failed:
            raise CommandError("\n".join(_table(summary)))


def _table(summary: Summary) -> list[str]:
    """Each failure with what to do, for the terminal."""
    lines = [f"{summary.failed} of {summary.total} tenants could not be migrated:"]
    for outcome in summary.failures:
        assert outcome.failure is not None
        lines += [f"  {outcome.tenant.slug}: {outcome.failure.text}"]
        lines += [f"      {outcome.failure.what_to_do}"]
    if summary.failed > MOST_SHOWN:
        lines.append(f"  and {summary.failed - MOST_SHOWN} more, in the admin under “Fleet runs”")
    return lines
