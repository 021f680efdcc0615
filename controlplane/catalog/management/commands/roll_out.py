"""`manage.py roll_out review-risky-orders --shares 5,25,100`, and what it is stopped with."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from controlplane.catalog.models import Rollout
from controlplane.catalog.rollouts import asking
from controlplane.catalog.rollouts.telling import Ring, told
from controlplane.core.actor import Actor, system
from controlplane.core.errors import DomainError
from tenants.models import Partner

LOOK_EVERY_SECONDS = 2.0


class Command(BaseCommand):
    help = (
        "Bring a release to all who installed its template, ring by ring, each behind a health "
        "gate. Workers do it; this follows them until it is over."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("template", help="slug of the template")
        parser.add_argument("--to", default="", help="a version; else the latest live one")
        parser.add_argument("--shares", default="5,25,100", help="rings, in percent up to 100")
        parser.add_argument("--partner", default="", help="slug: only where it runs the automation")
        parser.add_argument(
            "--take", choices=["ours", "theirs"], default="",
            help="for all conflicts: the tenant's, or the new; else people decide",
        )  # fmt: skip
        parser.add_argument("--watch", type=int, default=30, help="minutes for each ring")
        parser.add_argument("--least-runs", type=int, default=1, help="that a ring has to show")
        parser.add_argument("--at-once", type=int, default=4, help="installations at a time")
        parser.add_argument("--per-minute", type=int, default=120, help="upgrades at most")
        parser.add_argument("--why", default="", help="for the audit trail")
        parser.add_argument("--no-wait", action="store_true", help="do not follow it")
        step = parser.add_mutually_exclusive_group()
        step.add_argument("--status", action="store_true", help="only tell how it stands")
        for name in asking.STEPS:
            step.add_argument(
                f"--{name.replace('_', '-')}", dest="step", action="store_const", const=name
            )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rollout = self._wanted(options, system("roll_out"))
        except DomainError as error:
            raise CommandError(error.detail) from error
        self._tell(rollout)
        if options["status"] or options["no_wait"]:
            return
        rollout = self._follow(rollout)
        if rollout.status not in (Rollout.Status.DONE, Rollout.Status.ENDED):
            raise CommandError(
                f"{rollout}: {rollout.get_status_display()}. {rollout.last_step.get('why', '')}"
            )

    def _wanted(self, options: dict[str, Any], by: Actor) -> Rollout:
        """The one that is begun, or changed, or told of."""
        slug = options["template"]
        if options["step"] or options["status"]:
            latest = Rollout.objects.filter(template__slug=slug).order_by("-created_at").first()
            if latest is None:
                raise CommandError(f"There was no rollout of “{slug}” yet.")
            if options["step"]:
                asking.STEPS[options["step"]](rollout_id=latest.pk, why=options["why"], by=by)
            return asking.get_rollout(latest.pk)
        return asking.begin(
            release_id=asking.newest_live(slug, options["to"]).pk,
            shares=_shares(options["shares"]),
            partner=_partner(options["partner"]),
            take=options["take"],
            watch_minutes=options["watch"],
            least_runs=options["least_runs"],
            at_once=options["at_once"],
            per_minute=options["per_minute"],
            note=options["why"],
            by=by,
        )

    def _follow(self, rollout: Rollout) -> Rollout:
        before = ""
        while rollout.is_under_way and rollout.status != Rollout.Status.PAUSED:
            time.sleep(LOOK_EVERY_SECONDS)
            rollout = asking.get_rollout(rollout.pk)
            now = _line(rollout, told(rollout.pk))
            if now != before:
                self.stdout.write(now)
            before = now
        return rollout

    def _tell(self, rollout: Rollout) -> None:
        for step in rollout.steps:
            self.stdout.write(f"{step['at'][:19]} {step['what']} {step['why']}".rstrip())
        for ring in told(rollout.pk):
            self.stdout.write(_ring(ring))


def _line(rollout: Rollout, rings: list[Ring]) -> str:
    now = next((ring for ring in rings if ring.number == rollout.ring), None)
    return f"{rollout.get_status_display()}: {_ring(now)}" if now else rollout.get_status_display()


def _ring(ring: Ring) -> str:
    name = "sandboxes" if ring.is_sandboxes else f"ring {ring.number} (to {ring.share} %)"
    states = ", ".join(f"{share.count} {share.status}" for share in ring.shares)
    seen = ring.seen
    runs = f"; {seen.runs} runs, {seen.failed_runs} failed" if seen.runs else ""
    return f"{name}: {ring.done_percent} % of {ring.count}, {states}{runs}"


def _partner(slug: str) -> Partner | None:
    if not slug:
        return None
    found = Partner.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no partner “{slug}”.")
    return found


def _shares(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise CommandError(f"--shares: {error}. Give percentages, such as 5,25,100.") from error
