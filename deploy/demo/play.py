"""The demo itself: things are sent, watched, decided by a person or, once, by the script."""

import time
from collections import Counter

from django.conf import settings

from deploy.demo import watch, world
from deploy.demo.flows import first_number, flow_named
from deploy.demo.member import MemberClient
from deploy.demo.story import STORY
from deploy.demo.watch import Progress
from deploy.demo.world import Place
from deploy.embedded.progress import Reporter


def send_all(places: list[Place], reporter: Reporter) -> list[Progress]:
    by_slug = {place.tenant.slug: place for place in places}
    number = first_number()
    sent = []
    with reporter.step("Sending signed webhooks and documents") as step:
        for offset, chapter in enumerate(STORY):
            place = by_slug[chapter.tenant]
            event_id = flow_named(chapter.flow).send(place, chapter, number=number + offset)
            sent.append(Progress(place, chapter, event_id))
        flows = Counter(chapter.flow for chapter in STORY)
        step.done(
            f"{sum(chapter.copies for chapter in STORY)} calls for "
            + ", ".join(f"{count} {flow}" for flow, count in flows.items())
        )
    return sent


def once(places: list[Place], reporter: Reporter, *, within: float) -> int:
    """Decide as a member, check every outcome. Returns the exit status."""
    members = {place.tenant.slug: MemberClient(place) for place in places}
    progress = send_all(places, reporter)
    started = time.monotonic()
    decided: set[str] = set()
    with watch.shown(reporter.console) as show:
        while not all(one.outcome for one in progress):
            if time.monotonic() - started > within:
                break
            progress = [watch.look(one) for one in progress]
            show(progress)
            for one in progress:
                if one.waits_for_person and one.chapter.answer and one.approval_id not in decided:
                    decided.add(one.approval_id)
                    members[one.place.tenant.slug].decide(
                        one.approval_id, one.chapter.answer, one.chapter.comment
                    ).raise_for_status()
            time.sleep(0.2)
    for member in members.values():
        member.close()
    return _judge(progress, reporter, seconds=time.monotonic() - started)


def _judge(progress: list[Progress], reporter: Reporter, *, seconds: float) -> int:
    wrong = [one for one in progress if not one.is_as_expected]
    for one in wrong:
        reporter.console.print(
            f"✗ {one.place.tenant} {one.chapter.flow}/{one.chapter.file}: expected "
            f"{one.chapter.verdict} and {one.chapter.outcome}, got "
            f"{one.verdict or 'no verdict'} and {one.outcome or 'no outcome'}",
            markup=False,
        )
    reporter.console.print(
        f"{len(progress) - len(wrong)} of {len(progress)} orders, invoices and tickets ended as "
        "expected, "
        f"in {seconds:.1f} s"
    )
    return 1 if wrong else 0


def live(places: list[Place], reporter: Reporter, environment: dict[str, str]) -> None:
    """Show addresses, send everything, keep the table current until Ctrl-C."""
    _print_addresses(places, reporter, environment)
    progress = send_all(places, reporter)
    with watch.shown(reporter.console) as show:
        while True:
            progress = [watch.look(one) for one in progress]
            show(progress)
            time.sleep(0.5)


def _print_addresses(places: list[Place], reporter: Reporter, environment: dict[str, str]) -> None:
    console = reporter.console
    console.print("\n[bold]Open in your browser[/bold] (each link logs in once, for 15 minutes)")
    for title, link in world.entry_links(places):
        console.print(f"  {title}\n    {link}", soft_wrap=True, markup=False)
    console.print(f"  API documentation\n    {settings.PUBLIC_URL}/api/docs/", markup=False)
    console.print(f"  n8n editor\n    {environment['N8N_URL']}", markup=False)
    if password := environment.get("N8N_OWNER_PASSWORD"):
        console.print(
            f"    e-mail {environment['N8N_OWNER_EMAIL']}  password {password}", markup=False
        )
    console.print("\nWhat is held waits for you in the portals. Ctrl-C stops everything.\n")
