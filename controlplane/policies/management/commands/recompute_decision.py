"""`manage.py recompute_decision ID [--tenant SLUG]`: a decision once more, byte by byte."""

import uuid
from argparse import ArgumentParser
from typing import Any

import rfc8785
from django.core.management import BaseCommand, CommandError

from controlplane.core.errors import DomainError
from controlplane.policies import judging
from controlplane.policies.models import Decision
from controlplane.policies.services import recompute_decision
from tenants.context import inside, outside
from tenants.lookup import tenant_by_slug
from tenants.models import Tenant


class Command(BaseCommand):
    help = (
        "Compute a decision again from the input and the rules that were kept with it. Prints "
        "verdict and reasons as canonical JSON (RFC 8785); ends with 1 where they are not, byte "
        "by byte, those that were decided."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("decision_id", type=uuid.UUID)
        parser.add_argument("--tenant", help="its slug; without it, every active tenant is asked")

    def handle(self, *args: Any, **options: Any) -> None:
        key, slug = options["decision_id"], options["tenant"]
        try:
            slugs = [tenant_by_slug(slug).slug] if slug else self._all_slugs()
            for each in slugs:
                with inside(tenant_by_slug(each)):
                    decision = Decision.objects.filter(pk=key).first()
                    if decision is not None:
                        self._recompute(decision, each)
                        return
        except DomainError as error:
            raise CommandError(error.detail) from error
        where = f"Tenant {slug}" if slug else "Every active tenant"
        raise CommandError(f"{where} was asked, and there is no decision {key}.")

    def _all_slugs(self) -> list[str]:
        with outside():
            return list(Tenant.objects.active().order_by("slug").values_list("slug", flat=True))

    def _recompute(self, decision: Decision, slug: str) -> None:
        again = recompute_decision(decision).canonical()
        kept = rfc8785.dumps({"reasons": decision.reasons, "verdict": decision.verdict})
        self.stdout.write(again.decode())
        taken_by = decision.engine or "a release before engines were noted"
        if again != kept:
            raise CommandError(
                f"Decision {decision.pk} of {slug} comes out otherwise than it was taken. Taken "
                f"({taken_by}): {kept.decode()} Now ({judging.ENGINE}): as above."
            )
        self.stderr.write(
            f"The same as it was taken on {decision.decided_at:%Y-%m-%d %H:%M:%S} UTC by "
            f"{taken_by}; now {judging.ENGINE}. Input {decision.input_sha256}."
        )
