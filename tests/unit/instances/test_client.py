"""The client against a scripted n8n: what it sends, makes of the answers, and tries again."""

import json
from collections.abc import Callable

import httpx
import pytest

from controlplane.instances.client import N8nClient, errors
from controlplane.instances.client.executions import ExecutionStatus

BASE = "https://n8n.hafen.example"
KEY = "secret-key-of-hafen"
WORKFLOW = {
    "id": "w1",
    "name": "Judge orders",
    "active": False,
    "versionId": "v1",
    "activeVersionId": None,
    "isArchived": False,
    "triggerCount": 0,
    "nodes": [],
    "connections": {},
    "settings": {},
    "tags": [{"id": "t1", "name": "pergola:hafen"}],
}

Answer = httpx.Response | Exception
Handler = Callable[[httpx.Request], Answer]


class ScriptedN8n:
    """Gives the answers one after another (the last one for ever) and remembers the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, **options: object) -> N8nClient:
        return N8nClient(
            BASE,
            KEY,
            transport=httpx.MockTransport(self),
            sleep=lambda seconds: None,
            **options,  # type: ignore[arg-type]
        )

    def body(self, index: int = -1) -> object:
        return json.loads(self.requests[index].content)


def answer(body: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def test_create_workflow_sends_only_what_n8n_takes() -> None:
    n8n = ScriptedN8n(answer(WORKFLOW))
    exported = {
        **WORKFLOW,
        "name": "Judge orders",
        "meta": {"instanceId": "x"},
        "staticData": {"node:Pergola Trigger": {}},
        "pinData": None,
        "settings": {"executionOrder": "v1"},
    }

    workflow = n8n.client(project_id="p1").create_workflow(exported)

    assert n8n.body() == {
        "name": "Judge orders",
        "nodes": [],
        "connections": {},
        "settings": {"executionOrder": "v1"},
        "projectId": "p1",
    }
    assert (workflow.id, workflow.version_id, workflow.active_version_id) == ("w1", "v1", "")
    assert workflow.tags[0].name == "pergola:hafen"


def test_update_workflow_sends_no_project() -> None:
    n8n = ScriptedN8n(answer(WORKFLOW))

    n8n.client(project_id="p1").update_workflow("w1", WORKFLOW)

    assert n8n.requests[0].method == "PUT"
    assert "projectId" not in n8n.body()  # type: ignore[operator]


def test_ids_cannot_leave_their_path() -> None:
    n8n = ScriptedN8n(answer(WORKFLOW))

    n8n.client().get_workflow("../users?x=")

    assert n8n.requests[0].url.raw_path == b"/api/v1/workflows/..%2Fusers%3Fx%3D"


@pytest.mark.parametrize(
    ("status", "message", "kind", "code"),
    [
        (401, "Unauthorized", errors.KeyRejected, "instance_key_rejected"),
        (403, "Forbidden", errors.AccessDenied, "instance_access_denied"),
        (
            403,
            "Your license does not allow for feat:variables.",
            errors.LicenceNeeded,
            "instance_licence_needed",
        ),
        (404, "Not Found", errors.NotFound, "instance_object_missing"),
        (400, "request/body/active is read-only", errors.InstanceRefused, "instance_refused"),
        (500, "Internal", errors.InstanceRefused, "instance_refused"),
    ],
)
def test_refusals_are_typed_and_say_what_happened(
    status: int, message: str, kind: type[errors.InstanceRefused], code: str
) -> None:
    n8n = ScriptedN8n(answer({"message": message}, status))

    with pytest.raises(errors.InstanceRefused) as raised:
        n8n.client().get_workflow("w1")

    assert type(raised.value) is kind
    assert raised.value.code == code
    assert raised.value.upstream_status == status
    assert f"n8n at {BASE} refused “read workflow w1” with {status}" in raised.value.detail
    assert message.rstrip(".") in raised.value.detail
    assert KEY not in raised.value.detail


@pytest.mark.parametrize("publish", ["activate_workflow", "update_workflow"])
def test_a_taken_webhook_path_has_its_own_error(publish: str) -> None:
    n8n = ScriptedN8n(answer({"message": "There is a conflict with one of the webhooks."}, 409))
    arguments = ["w1"] if publish == "activate_workflow" else ["w1", WORKFLOW]

    with pytest.raises(errors.WebhookPathTaken) as raised:
        getattr(n8n.client(), publish)(*arguments)

    assert raised.value.status == 409


def test_a_page_that_is_not_the_api_is_said_to_be_so() -> None:
    n8n = ScriptedN8n(httpx.Response(200, html="<html>"))

    with pytest.raises(errors.InstanceRefused, match="not n8n's public API"):
        n8n.client().get_workflow("w1")


def test_a_missing_api_is_not_a_missing_workflow() -> None:
    n8n = ScriptedN8n(httpx.Response(404, html="<html>"))

    with pytest.raises(errors.InstanceRefused, match="public API switched on") as raised:
        n8n.client().get_workflow("w1")

    assert not isinstance(raised.value, errors.NotFound)


def test_a_redirect_is_not_followed_with_the_key() -> None:
    n8n = ScriptedN8n(httpx.Response(302, headers={"location": "https://elsewhere.example/"}))

    with pytest.raises(errors.InstanceRefused, match="redirects to https://elsewhere"):
        n8n.client().get_workflow("w1")

    assert len(n8n.requests) == 1


@pytest.mark.parametrize("trouble", [429, 502, 503, 504])
def test_reading_is_tried_again(trouble: int) -> None:
    n8n = ScriptedN8n(httpx.Response(trouble), httpx.ConnectError("refused"), answer(WORKFLOW))

    assert n8n.client().get_workflow("w1").id == "w1"
    assert len(n8n.requests) == 3


def test_trying_again_ends() -> None:
    n8n = ScriptedN8n(httpx.Response(503))

    with pytest.raises(errors.InstanceRefused, match="Try again in a minute"):
        n8n.client().get_workflow("w1")

    assert len(n8n.requests) == 4


def test_creating_is_not_tried_again_when_n8n_may_have_got_it() -> None:
    n8n = ScriptedN8n(httpx.RemoteProtocolError("Server disconnected"), answer(WORKFLOW))

    with pytest.raises(errors.InstanceUnreachable) as raised:
        n8n.client().create_workflow(WORKFLOW)

    assert raised.value.sent
    assert len(n8n.requests) == 1


def test_creating_is_not_tried_again_on_a_busy_answer() -> None:
    n8n = ScriptedN8n(httpx.Response(503), answer(WORKFLOW))

    with pytest.raises(errors.InstanceRefused):
        n8n.client().create_workflow(WORKFLOW)

    assert len(n8n.requests) == 1


def test_creating_is_tried_again_when_it_was_surely_not_sent() -> None:
    n8n = ScriptedN8n(httpx.ConnectError("refused"), answer(WORKFLOW))

    assert n8n.client().create_workflow(WORKFLOW).id == "w1"


def test_unreachable_names_the_instance_and_the_reason() -> None:
    n8n = ScriptedN8n(httpx.ConnectError("Connection refused"))

    with pytest.raises(errors.InstanceUnreachable) as raised:
        n8n.client().get_workflow("w1")

    assert not raised.value.sent
    assert raised.value.status == 503
    assert BASE in raised.value.detail
    assert "Connection refused" in raised.value.detail


def test_lists_follow_the_cursor() -> None:
    n8n = ScriptedN8n(
        answer({"data": [{**WORKFLOW, "id": "w1"}], "nextCursor": "c1"}),
        answer({"data": [{**WORKFLOW, "id": "w2"}], "nextCursor": None}),
    )

    found = n8n.client(project_id="p1").list_workflows(tag="pergola:hafen")

    assert [workflow.id for workflow in found] == ["w1", "w2"]
    assert n8n.requests[1].url.params["cursor"] == "c1"
    assert n8n.requests[1].url.params["tags"] == "pergola:hafen"
    assert n8n.requests[1].url.params["projectId"] == "p1"


def test_a_list_that_never_ends_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.instances.client.transport.MAX_PAGES", 3)
    n8n = ScriptedN8n(answer({"data": [], "nextCursor": "again"}))

    with pytest.raises(errors.InstanceRefused, match="did not end after 3 pages"):
        n8n.client().list_workflows()


def test_a_name_prefix_is_a_prefix() -> None:
    names = ["[hafen] Judge orders", "Copy of [hafen] Judge orders"]
    n8n = ScriptedN8n(
        answer({"data": [{**WORKFLOW, "name": n} for n in names], "nextCursor": None})
    )

    found = n8n.client().list_workflows(name_prefix="[hafen] ")

    assert [workflow.name for workflow in found] == names[:1]


def test_executions_stop_at_the_limit() -> None:
    run = {"id": "1", "workflowId": "w1", "status": "waiting", "mode": "webhook"}
    run |= {"startedAt": "2026-11-21T01:51:19.792Z", "waitTill": "2026-11-24T01:51:19.792Z"}
    n8n = ScriptedN8n(answer({"data": [run, run, run], "nextCursor": "more"}))

    found = n8n.client().list_executions(workflow_id="w1", status=ExecutionStatus.WAITING, limit=2)

    assert len(found) == 2
    assert found[0].wait_till is not None
    assert not found[0].has_ended
    assert len(n8n.requests) == 1
    assert n8n.requests[0].url.params["status"] == "waiting"


def test_a_status_of_another_version_is_unknown() -> None:
    run = {"id": "1", "workflowId": "w1", "status": "dreaming", "mode": "webhook"}

    found = ScriptedN8n(answer(run)).client().get_execution("1")

    assert found.status is ExecutionStatus.UNKNOWN
    assert not found.has_ended


def test_an_execution_id_that_is_no_number_is_not_asked_for() -> None:
    n8n = ScriptedN8n(answer({}))

    with pytest.raises(errors.NotFound):
        n8n.client().get_execution("1/../../users")

    assert n8n.requests == []


def test_deleting_what_is_gone_is_done() -> None:
    n8n = ScriptedN8n(answer({"message": "Not Found"}, 404))
    client = n8n.client()

    client.delete_workflow("w1")
    client.delete_credential("c1")
    client.delete_execution("7")
    client.delete_user("u1")


def test_a_workflow_is_unpublished_before_it_is_deleted() -> None:
    n8n = ScriptedN8n(
        answer(WORKFLOW),
        answer({"message": "Cannot delete a published workflow."}, 409),
        answer(WORKFLOW),
    )

    n8n.client().delete_workflow("w1")

    paths = [(request.method, request.url.path) for request in n8n.requests]
    assert paths == [
        ("POST", "/api/v1/workflows/w1/deactivate"),
        ("DELETE", "/api/v1/workflows/w1"),
        ("DELETE", "/api/v1/workflows/w1"),
    ]


def test_activating_waits_until_the_webhook_answers() -> None:
    live = {**WORKFLOW, "active": True, "activeVersionId": "v1", "triggerCount": 1}
    n8n = ScriptedN8n(
        answer(live),
        answer(live),
        httpx.Response(500, headers={"access-control-allow-methods": "OPTIONS"}),
        answer(live),
        httpx.Response(204, headers={"access-control-allow-methods": "OPTIONS, POST"}),
    )
    url = f"{BASE}/webhook/hafen/orders"

    workflow = n8n.client().activate_workflow("w1", live_urls=[url], wait=5)

    assert workflow.active
    looked = [request for request in n8n.requests if request.method == "OPTIONS"]
    assert [str(request.url) for request in looked] == [url, url]
    assert all("x-n8n-api-key" not in request.headers for request in looked)


def test_a_workflow_that_does_not_go_live_is_an_error() -> None:
    n8n = ScriptedN8n(answer({**WORKFLOW, "active": True}))

    with pytest.raises(errors.WorkflowNotLive, match="its trigger node shows what failed"):
        n8n.client().activate_workflow("w1", wait=0.001)


def test_a_tag_is_found_before_it_is_made() -> None:
    n8n = ScriptedN8n(
        answer({"data": [{"id": "t1", "name": "pergola:hafen"}], "nextCursor": None}),
        answer([{"id": "t1", "name": "pergola:hafen"}]),
    )

    assert n8n.client().tag_workflow("w1", "pergola:hafen")[0].id == "t1"
    assert n8n.body() == [{"id": "t1"}]


def test_a_tag_that_somebody_else_made_meanwhile_is_used() -> None:
    n8n = ScriptedN8n(
        answer({"data": [], "nextCursor": None}),
        answer({"message": "Tag already exists"}, 409),
        answer({"data": [{"id": "t9", "name": "pergola:hafen"}], "nextCursor": None}),
    )

    assert n8n.client().get_or_create_tag("pergola:hafen").id == "t9"


def test_credential_data_is_changed_key_by_key() -> None:
    n8n = ScriptedN8n(answer({"id": "c1", "name": "Pergola", "type": "pergolaApi"}))

    n8n.client().update_credential("c1", data={"apiKey": "new"})

    assert n8n.requests[0].method == "PATCH"
    assert n8n.body() == {"data": {"apiKey": "new"}, "isPartialData": True}


def test_an_invitation_gives_its_token() -> None:
    url = f"{BASE}/signup?token=header.payload.signature"
    n8n = ScriptedN8n(answer([{"user": {"id": "u1", "inviteAcceptUrl": url}, "error": ""}], 201))

    assert n8n.client().invite_user("hafen@example.com") == "header.payload.signature"


def test_inviting_somebody_who_is_there_is_refused() -> None:
    n8n = ScriptedN8n(answer([], 201))

    with pytest.raises(errors.InstanceRefused, match="no invitation link"):
        n8n.client().invite_user("hafen@example.com")


def test_the_key_is_not_in_the_client_s_text() -> None:
    assert KEY not in repr(ScriptedN8n(answer({})).client())
