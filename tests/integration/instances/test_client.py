"""The client against a real n8n: a member and the owner, with nothing scripted."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from uuid import uuid4

import httpx
import pytest

from controlplane.instances import members
from controlplane.instances.client import N8nClient, errors
from controlplane.instances.models import Instance
from controlplane.instances.probe import probe


class RunningN8n(Protocol):
    base_url: str
    owner_key: str


@pytest.fixture
def owner(n8n: RunningN8n) -> Iterator[N8nClient]:
    with N8nClient(n8n.base_url, n8n.owner_key) as client:
        yield client


@pytest.fixture
def member_of(owner: N8nClient) -> Iterator[Callable[[str], N8nClient]]:
    """Makes members; they and what they own are gone afterwards."""
    made: list[tuple[N8nClient, str]] = []

    def make(name: str) -> N8nClient:
        membership = members.ensure_member(
            owner=owner,
            email=f"{name}-{uuid4().hex[:8]}@members.pergola.invalid",
            password=f"Pg1{uuid4().hex}",
            first_name=name,
            last_name="(Pergola)",
        )
        client = N8nClient(owner.base_url, membership.api_key, project_id=membership.project_id)
        made.append((client, membership.user_id))
        return client

    yield make
    for client, user_id in made:
        for workflow in client.list_workflows():
            client.delete_workflow(workflow.id)
        client.close()
        owner.delete_user(user_id)


@pytest.fixture
def hafen(member_of: Callable[[str], N8nClient]) -> N8nClient:
    return member_of("hafen")


@pytest.fixture
def tessel(member_of: Callable[[str], N8nClient]) -> N8nClient:
    return member_of("tessel")


def webhook_workflow(path: str, *, name: str = "Judge orders") -> dict[str, Any]:
    webhook = {
        "id": str(uuid4()),
        "name": "Webhook",
        "type": "n8n-nodes-base.webhook",
        "typeVersion": 2.1,
        "position": [0, 0],
        "webhookId": str(uuid4()),
        "parameters": {"httpMethod": "POST", "path": path, "responseMode": "onReceived"},
    }
    settings = {"executionOrder": "v1"}
    return {"name": name, "nodes": [webhook], "connections": {}, "settings": settings}


@pytest.fixture
def path() -> str:
    return f"hafen/{uuid4().hex[:8]}"


def url_of(n8n: RunningN8n, path: str) -> str:
    return f"{n8n.base_url}/webhook/{path}"


def test_a_workflow_is_live_when_activation_returns(
    n8n: RunningN8n, hafen: N8nClient, path: str
) -> None:
    workflow = hafen.create_workflow(webhook_workflow(path))

    live = hafen.activate_workflow(workflow.id, live_urls=[url_of(n8n, path)], wait=15)

    assert live.active
    assert live.active_version_id == live.version_id
    assert httpx.post(url_of(n8n, path)).status_code == 200
    assert hafen.webhook_is_live(url_of(n8n, path))
    assert not hafen.webhook_is_live(url_of(n8n, path), method="PUT")


def test_looking_for_a_webhook_starts_nothing(n8n: RunningN8n, hafen: N8nClient, path: str) -> None:
    workflow = hafen.create_workflow(webhook_workflow(path))
    hafen.activate_workflow(workflow.id, live_urls=[url_of(n8n, path)], wait=15)

    assert hafen.webhook_is_live(url_of(n8n, path))
    time.sleep(0.5)

    assert hafen.list_executions(workflow_id=workflow.id) == []


def test_what_n8n_gives_can_be_given_back(hafen: N8nClient, path: str) -> None:
    workflow = hafen.create_workflow(webhook_workflow(path))

    updated = hafen.update_workflow(workflow.id, {**workflow.raw, "name": "Judge all orders"})

    assert updated.name == "Judge all orders"
    assert updated.nodes == workflow.nodes


def test_a_published_workflow_is_deleted(n8n: RunningN8n, hafen: N8nClient, path: str) -> None:
    workflow = hafen.create_workflow(webhook_workflow(path))
    hafen.activate_workflow(workflow.id, live_urls=[url_of(n8n, path)], wait=15)

    hafen.delete_workflow(workflow.id)

    with pytest.raises(errors.NotFound):
        hafen.get_workflow(workflow.id)
    assert not hafen.webhook_is_live(url_of(n8n, path))


def test_a_member_reaches_nothing_of_another(
    n8n: RunningN8n, hafen: N8nClient, tessel: N8nClient, path: str
) -> None:
    workflow = hafen.create_workflow(webhook_workflow(path))
    hafen.activate_workflow(workflow.id, live_urls=[url_of(n8n, path)], wait=15)
    credential = hafen.create_credential(
        name="Token", type="httpHeaderAuth", data={"name": "X-Token", "value": "secret"}
    )
    httpx.post(url_of(n8n, path))
    execution = _first_execution(hafen, workflow.id)

    assert tessel.list_workflows() == []
    assert tessel.list_executions() == []
    for attempt in (
        lambda: tessel.get_workflow(workflow.id),
        lambda: tessel.update_workflow(workflow.id, webhook_workflow(path)),
        lambda: tessel.activate_workflow(workflow.id),
        lambda: tessel.deactivate_workflow(workflow.id),
        lambda: tessel.delete_workflow(workflow.id),
        lambda: tessel.update_credential(credential.id, name="Mine now"),
        lambda: tessel.delete_credential(credential.id),
        lambda: tessel.list_users(),
    ):
        with pytest.raises(errors.AccessDenied):
            attempt()
    with pytest.raises(errors.NotFound):
        tessel.get_execution(execution, with_data=True)


def test_the_owner_finds_a_member_s_workflows_by_project(
    n8n: RunningN8n, hafen: N8nClient, path: str
) -> None:
    workflow = hafen.create_workflow(webhook_workflow(path))

    with N8nClient(n8n.base_url, n8n.owner_key, project_id=hafen.project_id) as owner:
        assert [found.id for found in owner.list_workflows()] == [workflow.id]


def test_webhook_paths_are_taken_across_members(
    n8n: RunningN8n, hafen: N8nClient, tessel: N8nClient, path: str
) -> None:
    first = hafen.create_workflow(webhook_workflow(path))
    hafen.activate_workflow(first.id, live_urls=[url_of(n8n, path)], wait=15)
    second = tessel.create_workflow(webhook_workflow(path))

    with pytest.raises(errors.WebhookPathTaken):
        tessel.activate_workflow(second.id)

    assert not tessel.get_workflow(second.id).active


def test_tags_and_name_prefixes_find_workflows(hafen: N8nClient, path: str) -> None:
    tag = f"pergola:{uuid4().hex[:12]}"
    tagged = hafen.create_workflow(webhook_workflow(path, name="[hafen] Judge orders"))
    hafen.create_workflow(webhook_workflow(path, name="Copy of [hafen] Judge orders"))

    hafen.tag_workflow(tagged.id, tag)

    assert [found.id for found in hafen.list_workflows(tag=tag)] == [tagged.id]
    assert [found.id for found in hafen.list_workflows(name_prefix="[hafen] ")] == [tagged.id]
    assert hafen.get_or_create_tag(tag) == hafen.get_or_create_tag(tag)


def test_a_tag_that_is_too_long_is_said_to_be_so(hafen: N8nClient) -> None:
    with pytest.raises(errors.InstanceRefused, match="at most 24 characters"):
        hafen.get_or_create_tag(uuid4().hex)


def test_lists_go_over_pages(hafen: N8nClient, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.instances.client.transport.PAGE", 2)
    made = {hafen.create_workflow(webhook_workflow(f"{path}/{n}")).id for n in range(5)}

    assert {workflow.id for workflow in hafen.list_workflows()} == made


def test_executions_are_read_with_their_data_and_deleted(
    n8n: RunningN8n, hafen: N8nClient, path: str
) -> None:
    workflow = hafen.create_workflow(webhook_workflow(path))
    hafen.activate_workflow(workflow.id, live_urls=[url_of(n8n, path)], wait=15)
    httpx.post(url_of(n8n, path), json={"number": "#1001"})
    execution = _first_execution(hafen, workflow.id)

    run = hafen.get_execution(execution, with_data=True)
    hafen.delete_execution(execution)

    assert run.has_ended
    assert run.data["resultData"]["runData"]["Webhook"]
    with pytest.raises(errors.NotFound):
        hafen.get_execution(execution)


def test_credentials_are_changed_and_deleted(hafen: N8nClient) -> None:
    credential = hafen.create_credential(
        name="Token", type="httpHeaderAuth", data={"name": "X-Token", "value": "old"}
    )

    renamed = hafen.update_credential(credential.id, name="New token", data={"value": "new"})
    hafen.delete_credential(credential.id)
    hafen.delete_credential(credential.id)

    assert renamed.name == "New token"
    assert "value" in hafen.credential_schema("httpHeaderAuth")["properties"]
    with pytest.raises(errors.NotFound):
        hafen.credential_schema("pergolaUnknownApi")


def test_a_body_that_n8n_does_not_take_is_explained(hafen: N8nClient, path: str) -> None:
    workflow = webhook_workflow(path)
    workflow["settings"]["surprise"] = 1

    with pytest.raises(errors.InstanceRefused, match="surprise"):
        hafen.create_workflow(workflow)


def test_a_wrong_key_is_rejected(n8n: RunningN8n) -> None:
    with (
        N8nClient(n8n.base_url, "not-a-key") as stranger,
        pytest.raises(errors.KeyRejected, match="Make a new key"),
    ):
        stranger.list_workflows()


def test_what_the_edition_lacks_is_said_to_be_so(owner: N8nClient) -> None:
    with pytest.raises(errors.LicenceNeeded):
        owner.call("GET", "/variables", doing="list variables")


def test_a_running_n8n_is_healthy_and_tells_its_version(n8n: RunningN8n) -> None:
    found = probe(n8n.base_url, n8n.owner_key)

    assert found.status == Instance.Health.OK
    assert found.version.startswith("2.")


def _first_execution(client: N8nClient, workflow_id: str) -> str:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        for execution in client.list_executions(workflow_id=workflow_id):
            return execution.id
        time.sleep(0.1)
    raise AssertionError("n8n shows no execution")
