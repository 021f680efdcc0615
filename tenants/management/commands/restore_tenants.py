"""`manage.py restore_tenants --from FOLDER`: tenants out of their archives, here or elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError

from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from tenants.backup import restore_tenant
from tenants.backup.archive import SUFFIX, ArchiveReader
from tenants.backup.console import passphrase_in, shown


class Command(BaseCommand):
    help = "Restore tenants, each whole or not at all; the newest archive of each in the folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", required=True, type=Path, dest="folder", metavar="FOLDER",
            help="the folder of the archives, or one archive",
        )  # fmt: skip
        parser.add_argument("--tenant", action="append", metavar="SLUG", help="may be repeated")
        parser.add_argument(
            "--as", dest="as_slug", default="", metavar="SLUG",
            help="restore one tenant under another name, beside the original",
        )  # fmt: skip
        parser.add_argument(
            "--replace", action="store_true", help="in place of a tenant that is there"
        )
        parser.add_argument("--dry-run", action="store_true", help="verify, and say what would be")
        parser.add_argument("--passphrase-file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        passphrase = passphrase_in(options["passphrase_file"])
        paths = self._archives(options["folder"], options["tenant"])
        if options["as_slug"] and len(paths) != 1:
            raise CommandError("--as is for one tenant: name it with --tenant")
        failed = []
        with shown(len(paths), self.stdout) as progress:
            for path in paths:
                progress.begin(path.name)
                try:
                    done = restore_tenant(
                        path,
                        by=system("restore_tenants"),
                        as_slug=options["as_slug"],
                        replace=options["replace"],
                        dry_run=options["dry_run"],
                        passphrase=passphrase,
                        progress=progress.step,
                    )
                except (DomainError, ValidationError) as error:
                    failed.append(path.name)
                    progress.failed(path.name, error)
                else:
                    verb = "would be restored" if options["dry_run"] else "restored"
                    progress.done(
                        done.slug,
                        f"{verb}: {done.tables} tables, {done.rows:,} rows, {done.files} files",
                        notes=done.notes,
                    )
        if failed:
            raise CommandError(f"not restored: {', '.join(failed)}")

    def _archives(self, folder: Path, slugs: list[str] | None) -> list[Path]:
        """The newest of each tenant, productions before sandboxes."""
        paths = [folder] if folder.is_file() else sorted(folder.glob(f"*{SUFFIX}"))
        newest: dict[str, tuple[str, bool, Path]] = {}
        for path in paths:
            try:
                with ArchiveReader(path) as archive:
                    tenant = archive.manifest["tenant"]
                    said = (archive.manifest["made_at"], bool(tenant["production"]), path)
                    slug = str(tenant["slug"])
            except (DomainError, KeyError, TypeError) as error:
                # Left aside it would be missing without a word.
                raise CommandError(str(error)) from error
            if slug not in newest or newest[slug] < said:
                newest[slug] = said
        if missing := set(slugs or ()) - newest.keys():
            raise CommandError(f"{folder} has no backup of {', '.join(sorted(missing))}")
        chosen = [newest[slug] for slug in sorted(newest) if not slugs or slug in slugs]
        if not chosen:
            raise CommandError(f"{folder} has no backup")
        return [path for _made, _is_sandbox, path in sorted(chosen, key=lambda said: said[1])]
