"""Names in n8n."""

import pytest

from controlplane.instances.models import Workspace
from controlplane.instances.services.workspaces import tag_of


@pytest.mark.parametrize(
    ("slug", "tag"),
    [
        ("hafen", "pergola:hafen"),
        ("sixteen-letters-", "pergola:sixteen-letters-"),
    ],
)
def test_a_short_slug_is_its_tag(slug: str, tag: str) -> None:
    assert tag_of(slug) == tag


def test_long_slugs_have_different_tags_that_n8n_takes() -> None:
    tags = {tag_of(f"a-very-long-name-of-a-customer-{n}") for n in range(50)}

    assert len(tags) == 50
    assert max(map(len, tags)) == 24


def test_a_member_s_workflows_keep_their_names() -> None:
    workspace = Workspace(prefix="hafen", member_email="hafen@members.pergola.invalid")

    assert workspace.workflow_name("Judge orders") == "Judge orders"


def test_on_a_brought_n8n_names_say_whose_they_are() -> None:
    workspace = Workspace(prefix="hafen", tag="pergola:hafen")

    assert workspace.workflow_name("Judge orders") == "[hafen] Judge orders"
    assert len(workspace.workflow_name("x" * 300)) == 128
