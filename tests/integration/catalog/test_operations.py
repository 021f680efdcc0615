"""What workflows ask about installations, through the endpoint that their node calls."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from controlplane.catalog.models import Installation
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.installations import make_installation, make_release

pytestmark = pytest.mark.django_db
AT = "/api/v1/operations/installation/list"


def test_a_list_is_of_a_template_and_a_state(
    north: Tenant, south: Tenant, machine: Callable[..., Client], tmp_path: Path
) -> None:
    release = make_release(tmp_path)
    with inside(north):
        made = make_installation(release)
        for number in range(3):
            Installation.objects.create(
                template_slug=f"watch-{number}", template_title="Watch", release_id=release.pk,
                release_version="1.0.0", status="failed", last_error="n8n is down.",
            )  # fmt: skip
        Installation.objects.filter(template_slug="watch-0").update(status="removed")
    client = machine(north)

    def found(**given: Any) -> list[str]:
        answer = client.post(AT, given, "application/json")
        assert answer.status_code == 200, answer.content
        return [each["template"] for each in answer.json()["installations"]]

    assert found(template="review-orders") == ["review-orders"]
    assert found() == ["watch-2", "watch-1", "review-orders"]
    assert found(status="failed") == ["watch-2", "watch-1"]
    assert found(status="removed") == ["watch-0"]
    assert found(template="no-such") == []
    first = client.post(AT, {"limit": 2}, "application/json").json()
    second = client.post(AT, {"after": first["next_page"]}, "application/json").json()
    (row,) = second["installations"]
    assert (row["installation_id"], row["status"]) == (str(made.pk), "pending")
    assert "parameters" not in row
    other = machine(south).post(AT, {}, "application/json")
    assert other.json()["installations"] == []
    wrong = client.post(AT, {"after": "x"}, "application/json")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "page_unknown")
