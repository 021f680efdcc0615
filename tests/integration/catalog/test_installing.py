"""Cloning a template into the tenant's n8n, interrupted anywhere, and taking it away again."""

from pathlib import Path
from typing import Any

import pytest

from controlplane.audit.models import Entry
from controlplane.catalog.deploy import deploy
from controlplane.catalog.models import Installation, Release, ReleaseUnknown
from controlplane.catalog.parameters import ParametersInvalid, parameters_of
from controlplane.catalog.runs import last_runs
from controlplane.catalog.services import (
    InstallationUnknown,
    change_parameters,
    install,
    retry,
    uninstall,
)
from controlplane.catalog.writing import write_parameters
from controlplane.events.models import Event, Subscription
from controlplane.instances.client.errors import InstanceError
from controlplane.workflow.canonical import workflow_hash
from tenants.context import inside, outside
from tenants.lookup import KeyRefused, key_from_text
from tenants.models import ApiKey, Tenant
from tests.factories.events import (
    ADA,
    make_event,
    make_machine,
    make_subscription,
    make_workspace,
)
from tests.factories.installations import make_installation, make_release
from tests.fakes.n8n import FakeN8n


@pytest.fixture
def release(north: Tenant, tmp_path: Path) -> Release:
    return make_release(tmp_path)


@pytest.fixture
def installation(release: Release, tenant: Tenant, n8n: FakeN8n) -> Installation:
    make_workspace(n8n.url)
    return make_installation(release, max_quantity=7)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.instances.client.transport.TRIES", 1)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def keys() -> list[ApiKey]:
    with outside():
        return list(ApiKey.objects.filter(revoked_at=None))


def test_an_installation_is_noted_before_n8n_hears_of_it(
    installation: Installation, n8n: FakeN8n
) -> None:
    assert (installation.status, installation.parameters) == ("pending", {"max_quantity": 7})
    assert n8n.calls == []
    assert Entry.objects.get(action="installation.requested").actor_label == "Ada Lovelace"


def test_deployed_it_has_a_credential_a_workflow_and_is_active(
    installation: Installation, release: Release, n8n: FakeN8n
) -> None:
    deploy(installation.pk)

    installation.refresh_from_db()
    assert (installation.status, installation.last_error) == ("active", "")
    (credential,) = n8n.credentials.values()
    (workflow,) = n8n.workflows.values()
    assert workflow["active"]
    assert workflow_hash(workflow) == release.workflow_hash
    ours = [node for node in workflow["nodes"] if "credentials" in node]
    assert {node["credentials"]["pergolaApi"]["id"] for node in ours} == {credential["id"]}
    assert {call.key for call in n8n.calls} == {"n8n-key"}
    with outside():
        key = key_from_text(credential["data"]["apiKey"])
    assert key.installation_id == installation.pk
    assert key.scopes == ["events:subscribe", "orders:review"]
    assert Entry.objects.filter(action="installation.activated").count() == 1


def test_deploying_again_does_nothing(installation: Installation, n8n: FakeN8n) -> None:
    deploy(installation.pk)
    calls = len(n8n.calls)

    deploy(installation.pk)

    assert len(n8n.calls) == calls


STEPS = [
    ("POST", "/credentials$"),
    ("GET", "/workflows$"),
    ("POST", "/workflows$"),
    ("POST", "/activate$"),
]


@pytest.mark.parametrize(("method", "path"), STEPS)
@pytest.mark.parametrize("how", ["refused", "lost before", "lost after"])
def test_what_was_interrupted_is_finished(
    installation: Installation, n8n: FakeN8n, method: str, path: str, how: str
) -> None:
    if how == "refused":
        n8n.refuse(method, path, status=500)
    else:
        # A GET that breaks off is asked again by itself.
        for _try in range(4 if method == "GET" else 1):
            n8n.break_off(method, path, after_effect=how == "lost after")
    deploy(installation.pk)
    installation.refresh_from_db()
    assert installation.status == "failed"
    assert "n8n at" in installation.last_error

    retry(installation_id=installation.pk, by=ADA)
    deploy(installation.pk)

    installation.refresh_from_db()
    assert installation.status == "active", installation.last_error
    assert len(n8n.workflows) == 1
    (workflow,) = n8n.workflows.values()
    assert workflow["active"]
    used = {n["credentials"]["pergolaApi"]["id"] for n in workflow["nodes"] if "credentials" in n}
    assert used == {installation.credential_id}
    (key,) = keys()
    text = n8n.credentials[installation.credential_id]["data"]["apiKey"]
    with outside():
        assert key_from_text(text) == key


def test_without_an_n8n_it_fails_and_says_so(release: Release, tenant: Tenant) -> None:
    installation = make_installation(release)

    deploy(installation.pk)

    installation.refresh_from_db()
    assert installation.status == "failed"
    assert "no n8n workspace" in installation.last_error


def test_retrying_what_works_changes_nothing(installation: Installation, n8n: FakeN8n) -> None:
    deploy(installation.pk)

    assert retry(installation_id=installation.pk, by=ADA).status == "active"
    assert not Entry.objects.filter(action="installation.retried").exists()


def test_beside_others_workflows_ours_say_whose_they_are(
    release: Release, tenant: Tenant, n8n: FakeN8n
) -> None:
    make_workspace(n8n.url, member_email="", tag="pergola:north")
    installation = make_installation(release)

    deploy(installation.pk)

    (workflow,) = n8n.workflows.values()
    assert workflow["name"].startswith("[north] ")
    assert [tag["name"] for tag in workflow["tags"]] == ["pergola:north"]


def test_uninstalled_nothing_is_left_and_the_key_is_dead(
    installation: Installation, n8n: FakeN8n
) -> None:
    deploy(installation.pk)
    (credential,) = n8n.credentials.values()
    # An n8n that could not reach Pergola when it took the workflow away leaves its listener here.
    make_subscription(n8n.url, by=make_machine(installation_id=installation.pk))

    uninstall(installation_id=installation.pk, by=ADA)
    uninstall(installation_id=installation.pk, by=ADA)

    installation.refresh_from_db()
    assert installation.status == "removed"
    assert not n8n.workflows
    assert not n8n.credentials
    assert not Subscription.objects.exists()
    with outside(), pytest.raises(KeyRefused):
        key_from_text(credential["data"]["apiKey"])
    assert not Installation.objects.present().exists()
    deploy(installation.pk)
    assert not n8n.workflows


def test_an_uninstall_that_n8n_refuses_can_be_repeated(
    installation: Installation, n8n: FakeN8n
) -> None:
    deploy(installation.pk)
    n8n.refuse("DELETE", "/credentials/", status=500)

    with pytest.raises(InstanceError):
        uninstall(installation_id=installation.pk, by=ADA)
    installation.refresh_from_db()
    assert installation.status == "active"
    uninstall(installation_id=installation.pk, by=ADA)

    assert not n8n.credentials
    assert keys() == []


def test_new_parameters_count_without_touching_n8n(
    installation: Installation, n8n: FakeN8n
) -> None:
    deploy(installation.pk)
    calls = len(n8n.calls)

    change_parameters(installation_id=installation.pk, parameters={"max_quantity": 9}, by=ADA)

    assert parameters_of(installation.pk) == {"max_quantity": 9}
    assert len(n8n.calls) == calls
    entry = Entry.objects.get(action="installation.parameters_changed")
    assert entry.data["before"] == {"max_quantity": 7}
    with pytest.raises(ParametersInvalid):
        change_parameters(installation_id=installation.pk, parameters={"max_quantity": 0}, by=ADA)


def test_parameters_of_nothing_are_none(tenant: Tenant) -> None:
    import uuid

    assert parameters_of(None) == {}
    assert parameters_of(uuid.uuid4()) == {}


def test_what_does_not_exist_is_said_to_be_so(tenant: Tenant) -> None:
    import uuid

    with pytest.raises(ReleaseUnknown):
        install(release_id=uuid.uuid4(), parameters={}, by=ADA)
    with pytest.raises(InstallationUnknown):
        retry(installation_id=uuid.uuid4(), by=ADA)


def test_one_tenants_installation_is_not_there_for_another(
    installation: Installation, south: Tenant
) -> None:
    with inside(south), pytest.raises(InstallationUnknown):
        uninstall(installation_id=installation.pk, by=ADA)


def test_last_runs_name_the_order_that_started_them(
    installation: Installation, n8n: FakeN8n
) -> None:
    deploy(installation.pk)
    installation.refresh_from_db()
    event = make_event()
    Event.objects.update(workflow_id=installation.workflow_id, execution_id="71")
    n8n.executions |= {"71": "success", "72": "waiting"}
    n8n.runs_of |= dict.fromkeys(("71", "72"), installation.workflow_id)

    runs: list[Any] = last_runs(installation)

    assert [(run.execution_id, run.subject, run.event_id) for run in runs] == [
        ("71", "#1001", str(event.pk)), ("72", "", ""),
    ]  # fmt: skip
    n8n.refuse("GET", "/executions$", status=401)
    with pytest.raises(InstanceError):
        last_runs(installation)


def test_an_n8n_that_is_too_old_is_named_and_not_touched(
    release: Release, tenant: Tenant, n8n: FakeN8n
) -> None:
    make_workspace(n8n.url, n8n_version="2.4.1")
    release.manifest["n8n_minimum"] = "2.41.0"
    with outside():
        release.save()

    failed = deploy(make_installation(release).pk)

    assert failed.status == "failed"
    assert "needs n8n 2.41.0 and the tenant's is 2.4.1" in failed.last_error
    assert n8n.calls == []


USES = [
    {"name": "limit", "type": "number", "label": "Limit", "default": "5",
     "uses": [{"node": "Review", "path": ["parameters", "limit"]}]},
    {"name": "shop", "type": "text", "label": "Shop", "default": "one", "changeable": False},
    {"name": "group", "type": "approver_group", "label": "Who decides", "required": False},
]  # fmt: skip


@pytest.fixture
def written_in(north: Tenant, n8n: FakeN8n, tmp_path: Path, tenant: Tenant) -> Installation:
    from tests.factories.installations import workflow

    flow = workflow()
    flow["nodes"][1]["parameters"]["limit"] = 5
    with outside():
        release = make_release(tmp_path, flow=flow, parameters=USES)
    make_workspace(n8n.url)
    installation = make_installation(release, limit="7")
    return deploy(installation.pk)


def limit(n8n: FakeN8n) -> Any:
    (workflow,) = n8n.workflows.values()
    return workflow["nodes"][1]["parameters"]["limit"]


def test_a_value_in_the_workflow_is_written_anew_and_edits_stay(
    written_in: Installation, n8n: FakeN8n
) -> None:
    assert limit(n8n) == 7
    (workflow,) = n8n.workflows.values()
    workflow["nodes"][1]["parameters"]["edited"] = "by hand"

    change_parameters(installation_id=written_in.pk, parameters={"limit": "9"}, by=ADA)
    write_parameters(written_in.pk)

    written_in.refresh_from_db()
    (workflow,) = n8n.workflows.values()
    assert (limit(n8n), workflow["nodes"][1]["parameters"]["edited"]) == (9, "by hand")
    assert workflow["active"]
    assert (written_in.parameters_written["limit"], written_in.last_error) == ("9", "")


def test_a_value_that_was_edited_in_n8n_is_left_alone_and_told(
    written_in: Installation, n8n: FakeN8n
) -> None:
    (workflow,) = n8n.workflows.values()
    workflow["nodes"][1]["parameters"]["limit"] = 100

    change_parameters(installation_id=written_in.pk, parameters={"limit": "9"}, by=ADA)
    write_parameters(written_in.pk)

    written_in.refresh_from_db()
    assert limit(n8n) == 100
    assert "Review: edited in n8n" in written_in.last_error


def test_an_n8n_that_is_away_is_told_and_saving_again_tries_again(
    written_in: Installation, n8n: FakeN8n
) -> None:
    n8n.refuse("PUT", "/workflows/", status=500)
    change_parameters(installation_id=written_in.pk, parameters={"limit": "9"}, by=ADA)
    write_parameters(written_in.pk)
    written_in.refresh_from_db()
    assert "not in the workflow yet" in written_in.last_error
    assert limit(n8n) == 7

    write_parameters(written_in.pk)

    written_in.refresh_from_db()
    assert (limit(n8n), written_in.last_error) == (9, "")


def test_what_is_not_changeable_stays_and_what_is_not_here_is_refused(
    written_in: Installation,
) -> None:
    with pytest.raises(ParametersInvalid, match="stays as it was cloned") as refused:
        change_parameters(installation_id=written_in.pk, parameters={"shop": "two"}, by=ADA)
    assert [error.field for error in refused.value.errors] == ["shop"]
    with pytest.raises(ParametersInvalid, match="which is not here"):
        change_parameters(installation_id=written_in.pk, parameters={"group": "nobody"}, by=ADA)
