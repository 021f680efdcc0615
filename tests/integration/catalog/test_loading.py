"""From a folder to a release that never changes."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from controlplane.catalog.loader import TemplateInvalid, VersionTaken, load_folder, read_folder
from controlplane.catalog.models import Release, Template
from tests.factories.installations import workflow, write_template

pytestmark = pytest.mark.django_db


def load(root: Path) -> str:
    out = StringIO()
    call_command("load_templates", root, stdout=out)
    return out.getvalue()


def test_loading_twice_makes_one_release(tmp_path: Path, north: Any) -> None:
    write_template(tmp_path)

    assert load(tmp_path) == "Review orders 1.0.0: released\n"
    assert load(tmp_path) == "Review orders 1.0.0: known\n"
    assert Release.objects.filter(template__slug="review-orders").count() == 1


def test_a_new_version_is_the_latest_and_the_old_one_stays(tmp_path: Path, north: Any) -> None:
    write_template(tmp_path)
    load(tmp_path)
    write_template(tmp_path, version="1.1.0", title="Review all orders")
    load(tmp_path)

    template = Template.objects.get(slug="review-orders")
    assert template.title == "Review all orders"
    assert str(template.latest) == "Review all orders 1.1.0"
    assert template.releases.count() == 2


def test_a_version_is_not_released_twice_with_other_content(tmp_path: Path, north: Any) -> None:
    write_template(tmp_path)
    load(tmp_path)
    other = workflow()
    other["nodes"][1]["parameters"]["operation"] = "record_outcome"

    with pytest.raises(VersionTaken, match="Raise `version`"):
        load_folder(write_template(tmp_path, flow=other))
    with pytest.raises(VersionTaken):
        load_folder(write_template(tmp_path, summary="Other words"))


def test_moving_nodes_about_is_no_other_content(tmp_path: Path, north: Any) -> None:
    write_template(tmp_path)
    load(tmp_path)
    moved = workflow()
    moved["nodes"][1]["position"] = [500, 500]

    assert load_folder(write_template(tmp_path, flow=moved))[1] is False


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ({"events": ["order.eaten"]}, "event 'order.eaten' is not known"),
        ({"scopes": ["orders:eat"]}, "scope 'orders:eat' belongs to no operation"),
        ({"version": "one"}, "version"),
        ({"events": []}, "listens to no event"),
        ({"scopes": []}, "need scopes"),
        (
            {
                "parameters": [
                    {"name": "n", "type": "integer", "label": "N", "default": 0, "minimum": 1}
                ]
            },
            "the default of n must be at least 1",
        ),
    ],
)
def test_a_manifest_that_asks_for_what_is_not_there(
    tmp_path: Path, manifest: dict[str, Any], told: str
) -> None:
    with pytest.raises(TemplateInvalid, match=told):
        read_folder(write_template(tmp_path, **manifest))


@pytest.mark.parametrize("name", ["template.yaml", "workflow.json", "README.md"])
def test_a_file_that_is_missing_or_broken(tmp_path: Path, name: str) -> None:
    folder = write_template(tmp_path)
    (folder / name).unlink()
    with pytest.raises(TemplateInvalid, match="review-orders"):
        read_folder(folder)
    if name != "README.md":
        (folder / name).write_text("{")
        with pytest.raises(TemplateInvalid):
            read_folder(folder)


@pytest.mark.parametrize("text", ["[]", "null", '"x"', "{}", '{"nodes": [1], "connections": {}}'])
def test_a_workflow_that_is_none(tmp_path: Path, text: str) -> None:
    folder = write_template(tmp_path)
    (folder / "workflow.json").write_text(text)

    with pytest.raises(TemplateInvalid):
        read_folder(folder)


def test_the_command_says_what_is_wrong_and_loads_nothing(tmp_path: Path, north: Any) -> None:
    write_template(tmp_path, events=["order.eaten"])

    with pytest.raises(CommandError, match=r"review-orders: event 'order\.eaten'"):
        load(tmp_path)
    assert not Template.objects.filter(slug="review-orders").exists()


def test_our_own_templates_load(north: Any) -> None:
    root = settings.BASE_DIR / "workflow-templates"

    load(root)

    loaded = set(Template.objects.values_list("slug", flat=True))
    assert {path.parent.name for path in root.glob("*/template.yaml")} <= loaded
