"""`make docs`: the README's pictures, taken from a demo that is started for them.

It has data of its own in `var/pictures`, made anew each time, so that a picture shows the story and
not what somebody tried before. People come in by one-time link before the first picture is taken;
no picture shows a link, a key or a password.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.bootstrap import find_browser
from deploy.demo.running import running
from deploy.embedded.errors import StartFailed
from deploy.embedded.progress import Reporter
from deploy.embedded.stack import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, StorageState, ViewportSize

    from deploy.demo.watch import Progress
    from deploy.demo.world import Place

ROOT = Path(__file__).parents[1]
VAR = ROOT / "var" / "pictures"
PICTURES = ROOT / "docs" / "pictures"
LARGEST_KB = 300
SETTLED_SECONDS = 90
# Orders besides the demo's story, so that the inbox looks like an ordinary day.
MORE = ("partially_refunded", "zero_lines", "cad")
# What the pictures show, of the demo's story: the held order, and the pages of these.
SHOWN = "usd_large"
SHOWN_INVOICE = "short-received.xml"
SHOWN_PDF = "plain.pdf"
SHOWN_TICKET = "lost-package"

DESKTOP: "ViewportSize" = {"width": 1280, "height": 860}
TALL: "ViewportSize" = {"width": 1280, "height": 1220}
PHONE: "ViewportSize" = {"width": 390, "height": 844}
CANVAS: "ViewportSize" = {"width": 1280, "height": 620}
CHROMIUM = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# n8n ties a session to this value: the same at log-in and in the editor.
BROWSER_ID = "pergola-pictures"


@dataclass(frozen=True)
class Shot:
    """One picture: whose session, which page, and what must be there before it is taken."""

    name: str
    who: str
    url: str
    ready: str = "main"
    size: "ViewportSize | None" = None
    """None: the desktop's."""
    at: str = ""
    """What the window begins with, where that is not the top of the page."""
    before: Callable[[], None] | None = None
    """What has to be so for this picture, and must be seen in none before it."""


def main() -> int:
    reporter = Reporter()
    try:
        browser = find_browser()
        if browser is None:
            raise StartFailed("No Chromium was found. `make test` says how to get one.")
        with _demo(reporter) as (places, progress, environment):
            links, shots = _plan(places, progress)
            workflow = places[0].installations["review-shopify-order"].workflow_id
            editor = f"{environment['N8N_URL']}/workflow/{workflow}"
            _take_all(browser, links, shots, editor, environment, reporter)
    except StartFailed as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


@contextmanager
def _demo(reporter: Reporter) -> Iterator[tuple[list["Place"], list["Progress"], dict[str, str]]]:
    """The demo with everything ended or waiting; its places, what became of what, and where."""
    n8n_host = ROOT / "var" / "n8n-host"
    # What a run that was killed left would still write into the folder.
    Stack(ROOT, var=VAR, n8n_host=n8n_host, reporter=reporter).stop(everything=True)
    shutil.rmtree(VAR, ignore_errors=True)
    stack = Stack(ROOT, var=VAR, n8n_host=n8n_host, durable=False, reporter=reporter)
    with running(stack, reporter) as demo:
        yield demo.places, _send(demo.places, reporter), demo.environment


def _send(places: list["Place"], reporter: Reporter) -> list["Progress"]:
    """Send the story and more, until nothing moves."""
    from deploy.demo import play, watch
    from deploy.demo.flows import first_number, orders
    from deploy.demo.story import Chapter

    progress = play.send_all(places, reporter)
    number = first_number() + 100
    for offset, file in enumerate(MORE):
        chapter = Chapter(places[0].tenant.slug, "orders", file, verdict="hold", outcome="")
        event_id = orders.send(places[0], chapter, number=number + offset)
        progress.append(watch.Progress(places[0], chapter, event_id))
    with reporter.step("Waiting until everything has ended or waits for a person"):
        deadline = time.monotonic() + SETTLED_SECONDS
        while not all(_is_settled(one) for one in progress):
            if time.monotonic() > deadline:
                raise StartFailed(f"Something is still under way; see {VAR / 'log'}.")
            progress = [watch.look(one) for one in progress]
            time.sleep(0.3)
    return progress


def _is_settled(one: "Progress") -> bool:
    return bool(one.outcome) or one.waits_for_person


def _plan(places: list["Place"], progress: list["Progress"]) -> tuple[dict[str, str], list[Shot]]:
    """Who comes in by which link, and the pictures; asked before the browser runs."""
    from django.conf import settings

    from controlplane.policies.models import Policy
    from deploy.demo import world
    from deploy.demo.flows import flow_named
    from tenants.context import inside

    def page_of(file: str) -> tuple[str, str]:
        """Whose session shows it, and its address."""
        one = next(each for each in progress if each.chapter.file == file)
        with inside(one.place.tenant):
            state = flow_named(one.chapter.flow).look(one.event_id)
        if state is None:
            raise StartFailed(f"n8n has not asked about {file}.")
        who = "approver" if one.place is places[0] else "other"
        return who, f"{one.place.tenant.portal_url}/{one.chapter.flow}/{state.subject_id}/"

    place = places[0]
    approval_id = next(one.approval_id for one in progress if one.chapter.file == SHOWN)
    with inside(place.tenant):
        policy = Policy.objects.earliest("created_at")
    portal, platform = place.tenant.portal_url, settings.PUBLIC_URL
    links = dict(
        zip(
            ("admin", "manager", "approver", "other"),
            (link for _title, link in world.entry_links(places)),
            strict=False,
        )
    )
    installation = place.installations["review-shopify-order"]
    detail = f"{portal}/approvals/{approval_id}/"
    policy_page = f"{platform}/t/{place.tenant.slug}/admin/policies/policy/{policy.pk}/change/"
    return links, [
        Shot("portal-inbox", "approver", f"{portal}/approvals/"),
        Shot("portal-approval", "approver", detail),
        Shot("portal-approval-phone", "approver", detail, size=PHONE),
        Shot("portal-invoices", "approver", f"{portal}/invoices/"),
        Shot("portal-invoice", *page_of(SHOWN_INVOICE), size=TALL),
        Shot("portal-match", *page_of(SHOWN_INVOICE), at="#match"),
        Shot("portal-invoice-pdf", *page_of(SHOWN_PDF)),
        Shot("portal-ticket", *page_of(SHOWN_TICKET), size=TALL),
        Shot("portal-knowledge", "manager", f"{portal}/knowledge/"),
        Shot("portal-source", "manager", f"{portal}/sources/shopify/"),
        Shot("portal-installation", "manager", f"{portal}/installations/{installation.pk}/"),
        Shot("admin-tenants", "admin", f"{platform}/admin/tenants/tenant/", "#result_list"),
        Shot(
            "admin-policy",
            "admin",
            policy_page,
            "#policy_form",
            before=lambda: _let_admin_in(place),
        ),
    ]


def _let_admin_in(place: "Place") -> None:
    """The picture of a policy is taken inside a tenant's admin, which asks for a reason. The pages
    of the tenant say so from then on.
    """
    from django.contrib.auth.models import User
    from django.db import connections

    from controlplane.core.actor import system
    from tenants.support_access import enter_tenant

    enter_tenant(
        user=User.objects.get(is_superuser=True),
        tenant=place.tenant,
        reason="Pictures for the documentation",
        minutes=30,
        as_role="viewer",
        by=system("pictures"),
    )
    connections.close_all()


def _take_all(
    program: str,
    links: dict[str, str],
    shots: list[Shot],
    editor: str,
    environment: dict[str, str],
    reporter: Reporter,
) -> None:
    # Not before: while Playwright runs, Django takes this thread for an asynchronous one.
    from playwright.sync_api import sync_playwright

    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM))
        sessions = {who: _log_in(browser, link) for who, link in links.items()}
        for shot in shots:
            with reporter.step(f"Picture {shot.name}") as step:
                if shot.before is not None:
                    # In a thread of its own: this one is Playwright's, and Django refuses it.
                    with ThreadPoolExecutor(max_workers=1) as apart:
                        apart.submit(shot.before).result()
                step.done(_take(browser, shot, sessions[shot.who]))
        if "N8N_OWNER_PASSWORD" in environment:
            with reporter.step("Picture n8n-editor") as step:
                step.done(_take_editor(browser, editor, environment))
        browser.close()


def _log_in(browser: "Browser", link: str) -> "StorageState":
    with browser.new_context() as context:
        page = context.new_page()
        answer = page.goto(link)
        if answer is None or not answer.ok:
            where = page.url.partition("?")[0]
            raise StartFailed(f"A one-time link ended at {where}, which failed; see {VAR / 'log'}.")
        return context.storage_state()


def _take(browser: "Browser", shot: Shot, session: "StorageState") -> str:
    is_phone = shot.size is PHONE
    with browser.new_context(
        storage_state=session,
        viewport=shot.size or DESKTOP,
        device_scale_factor=2 if is_phone else 1,
        is_mobile=is_phone,
        color_scheme="light",
        reduced_motion="reduce",
    ) as context:
        page = context.new_page()
        answer = page.goto(shot.url)
        if answer is None or not answer.ok:
            status = answer.status if answer else "nothing"
            raise StartFailed(f"The page of {shot.name} answered {status}; see {VAR / 'log'}.")
        page.locator(shot.ready).first.wait_for()
        page.wait_for_timeout(1500)  # parts of the page that load after it, and fonts
        if shot.at:
            page.locator(shot.at).evaluate("part => part.scrollIntoView()")
        return _save(page, shot.name)


def _take_editor(browser: "Browser", url: str, environment: dict[str, str]) -> str:
    with browser.new_context(viewport=CANVAS, color_scheme="light") as context:
        context.request.post(
            f"{environment['N8N_URL']}/rest/login",
            headers={"browser-id": BROWSER_ID},
            data={
                "emailOrLdapLoginId": environment["N8N_OWNER_EMAIL"],
                "password": environment["N8N_OWNER_PASSWORD"],
            },
            fail_on_status_code=True,
        )
        context.add_init_script(f"localStorage.setItem('n8n-browserId', '{BROWSER_ID}')")
        page = context.new_page()
        page.goto(url)
        page.locator('[data-test-id="canvas-node"]').first.wait_for(timeout=60_000)
        page.wait_for_timeout(3000)  # the canvas fits itself to the window
        return _save(page, "n8n-editor")


def _save(page: "Page", name: str) -> str:
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    size = path.stat().st_size // 1024
    if size > LARGEST_KB:
        raise StartFailed(f"{path.name} has {size} KB; {LARGEST_KB} KB is the most.")
    return f"{size} KB"


if __name__ == "__main__":
    sys.exit(main())
