"""What was changed in n8n, a new release, and earlier versions, as a member sees them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client

from controlplane.catalog.models import Installation, Snapshot, Upgrade
from controlplane.catalog.upgrades.applying import run_upgrade
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import make_workspace
from tests.factories.installations import MANIFEST
from tests.factories.upgrades import NEW_PARAMETER, edit, make_active, make_later_release
from tests.fakes.n8n import FakeN8n

Browser = Callable[..., Client]
KEY = "choice-parameter:b:parameters/notify"


@pytest.fixture
def installation(north: Tenant, n8n: FakeN8n, tmp_path: Path) -> Iterator[Installation]:
    with inside(north):
        make_workspace(n8n.url)
        made = make_active(tmp_path, max_quantity=7)
        make_later_release(tmp_path)
    return made


def carry_out(tenant: Tenant) -> Upgrade:
    with inside(tenant):
        return run_upgrade(Upgrade.objects.order_by("-created_at").first().pk)  # type: ignore[union-attr]


def test_from_the_news_to_the_upgrade_and_back(
    north: Tenant, browser: Browser, installation: Installation, n8n: FakeN8n
) -> None:
    client = browser(north, role="manager")
    base = f"/installations/{installation.pk}/"
    page = client.get(base).content.decode()
    assert "Release 2.0.0 is out." in page
    assert "it is as the release made it" in page
    edit(n8n, rename="Judge", limit=5)
    assert client.post(f"{base}changes/look/").status_code == 302
    page = client.get(f"{base}changes/").content.decode()
    assert "“Review” is called “Judge” now." in page
    assert "workflow-picture" in page

    page = client.get(f"{base}upgrade/").content.decode()
    assert "“By verdict” was added." in page
    assert "“Review” is called “Judge” now." in page
    seen = page.split('name="seen" value="')[1].split('"')[0]
    answer = client.post(f"{base}upgrade/?to=2.0.0", {"seen": seen})
    state = answer.headers["Location"]
    polled = client.get(state, headers={"HX-Request": "true"}).content.decode()
    assert "every 1s" in polled
    assert "is being put into n8n" in client.get(base).content.decode()
    carry_out(north)
    assert client.get(state, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert "It is done" in client.get(state).content.decode()
    assert "is out" not in client.get(base).content.decode()

    page = client.get(f"{base}versions/").content.decode()
    assert "Before an upgrade" in page
    with inside(north):
        kept = Snapshot.objects.get()
    assert kept.workflow_hash in client.get(f"{base}versions/{kept.pk}/").content.decode()
    answer = client.post(f"{base}versions/{kept.pk}/restore/")
    assert "Restoring a version" in client.get(answer.headers["Location"]).content.decode()
    assert carry_out(north).status == "done"


def test_conflicts_are_chosen_and_kept_when_something_else_is_wrong(
    north: Tenant, browser: Browser, installation: Installation, n8n: FakeN8n, tmp_path: Path
) -> None:
    with inside(north):
        make_later_release(
            tmp_path, version="3.0.0", parameters=[*MANIFEST["parameters"], NEW_PARAMETER]
        )
    edit(n8n, notify="me <b>")
    client = browser(north, role="manager")
    address = f"/installations/{installation.pk}/upgrade/?to=3.0.0"
    page = client.get(address).content.decode()
    assert "Both changed the same" in page
    assert "me &lt;b&gt;" in page
    assert "me <b>" not in page
    seen = page.split('name="seen" value="')[1].split('"')[0]

    undecided = client.post(address, {"seen": seen, "p-team": "north"})
    assert undecided.status_code == 409
    assert "Decide first" in undecided.content.decode()
    assert 'value="north"' in undecided.content.decode()
    missing = client.post(address, {"seen": seen, KEY: "theirs", "p-team": ""})
    assert missing.status_code == 422
    assert 'value="theirs" checked' in missing.content.decode()
    edit(n8n, limit=5)
    stale = client.post(address, {"seen": seen, KEY: "theirs", "p-team": "north"})
    assert stale.status_code == 409
    page = stale.content.decode()
    assert "was edited in n8n since you looked" in page
    assert 'value="theirs" checked' in page
    with inside(north):
        assert not Upgrade.objects.exists()

    seen = page.split('name="seen" value="')[1].split('"')[0]
    done = client.post(address, {"seen": seen, KEY: "theirs", "p-team": "north"})
    assert done.status_code == 302
    assert carry_out(north).status == "done"
    with inside(north):
        assert Installation.objects.get().parameters == {"max_quantity": 7, "team": "north"}


def test_an_n8n_that_is_away_is_told_on_the_page(
    north: Tenant, browser: Browser, installation: Installation, n8n: FakeN8n
) -> None:
    client = browser(north, role="manager")
    n8n.answer_html("GET", "/workflows/wf")
    page = client.get(f"/installations/{installation.pk}/upgrade/")
    assert page.status_code == 502
    assert "Look again" in page.content.decode()
    n8n.refuse("GET", "/workflows/wf", status=500)
    client.post(f"/installations/{installation.pk}/changes/look/")
    assert "refused" in client.get(f"/installations/{installation.pk}/changes/").content.decode()


def test_what_failed_is_tried_again_and_what_stopped_is_looked_at(
    north: Tenant, browser: Browser, installation: Installation, n8n: FakeN8n
) -> None:
    client = browser(north, role="manager")
    n8n.refuse("PUT", "/workflows/wf", status=401)
    answer = client.post(f"/installations/{installation.pk}/upgrade/", {})
    carry_out(north)
    state = answer.headers["Location"]
    assert "Try again" in client.get(state).content.decode()
    assert client.post(f"{state}retry/").status_code == 302
    n8n.workflows.clear()
    carry_out(north)
    page = client.get(state).content.decode()
    assert "was deleted in n8n" in page
    assert "Earlier versions" in page


def test_only_who_may_changes_anything(
    north: Tenant, browser: Browser, installation: Installation
) -> None:
    client = browser(north, role="approver")
    base = f"/installations/{installation.pk}/"
    assert client.get(f"{base}changes/").status_code == 200
    assert client.get(f"{base}versions/").status_code == 200
    assert client.get(f"{base}upgrade/").status_code == 403
    assert client.post(f"{base}upgrade/").status_code == 403
    assert client.get(f"{base}upgrade/?to=9.9.9").status_code == 403


def test_in_german_the_sentences_are_german(
    north: Tenant, browser: Browser, make_member: Callable[..., object], n8n: FakeN8n,
    installation: Installation,
) -> None:  # fmt: skip
    member = make_member(north, role="manager")
    member.language = "de"  # type: ignore[attr-defined]
    member.save()  # type: ignore[attr-defined]
    edit(n8n, rename="Judge")
    client = browser(north, member=member)

    page = client.get(f"/installations/{installation.pk}/upgrade/").content.decode()

    assert "„Review“ heißt jetzt „Judge“." in page
    assert "„By verdict“ wurde hinzugefügt." in page
