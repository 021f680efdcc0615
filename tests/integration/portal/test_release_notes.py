"""What is new in a release is read wherever somebody decides about it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from controlplane.catalog.loader import read_folder
from controlplane.catalog.models import Installation, Release
from tenants.models import Tenant
from tests.factories.installations import make_release, write_template
from tests.integration.portal.test_upgrades import installation  # noqa: F401

pytestmark = pytest.mark.django_db
Browser = Callable[..., Client]


def told(release: Release, notes: str) -> None:
    Release.objects.filter(pk=release.pk).update(notes=notes)


def test_it_stands_at_the_notice_and_on_the_way_to_the_upgrade(
    north: Tenant,
    browser: Browser,
    installation: Installation,  # noqa: F811
) -> None:
    told(Release.objects.get(version="2.0.0"), "Holds <b>late</b> orders.\n\nAsks the region.")
    client, at = browser(north, role="manager"), f"/installations/{installation.pk}/"

    for page in (client.get(at), client.get(f"{at}upgrade/")):
        text = page.content.decode()
        assert "What is new" in text
        assert "Holds &lt;b&gt;late&lt;/b&gt; orders." in text
        assert "<p>Asks the region.</p>" in text


def test_the_installations_page_shows_the_workflow(
    north: Tenant,
    browser: Browser,
    installation: Installation,  # noqa: F811
) -> None:
    page = browser(north).get(f"/installations/{installation.pk}/").content.decode()

    assert 'class="workflow-picture"' in page
    assert "What is new" not in page


def test_the_template_tells_of_its_versions_and_of_no_draft(
    north: Tenant, browser: Browser, tmp_path: Path
) -> None:
    for version, notes, status in (
        ("1.0.0", "", "live"), ("1.1.0", "Weighs them.", "deprecated"),
        ("1.2.0", "Counts them.", "live"), ("2.0.0", "Not yet.", "draft"),
    ):  # fmt: skip
        release = make_release(tmp_path, version=version, notes=notes)
        Release.objects.filter(pk=release.pk).update(status=status)

    page = browser(north).get("/templates/review-orders/").content.decode()

    assert page.index("Counts them.") < page.index("Weighs them.")
    assert "Not yet." not in page


def test_a_readmes_picture_is_for_who_reads_the_folder(tmp_path: Path) -> None:
    folder = write_template(tmp_path)
    (folder / "README.md").write_text(
        "# Title\n\n![Picture](workflow.svg)\n\n**Needs:** nothing.\n"
    )

    assert read_folder(folder).readme == "# Title\n\n**Needs:** nothing.\n"
