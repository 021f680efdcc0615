"""Another tenant's n8n: its addresses, its key, its deliveries and its listeners."""

import uuid
from typing import Any

import pytest

from controlplane.approvals import resume
from controlplane.approvals.models import Waiter
from controlplane.events import delivery, outbox
from controlplane.events.models import Delivery, Subscription
from controlplane.instances.addresses import ForeignUrl, assert_own_url
from controlplane.instances.models import NoWorkspace, Workspace
from controlplane.instances.services import client_for
from tenants.context import inside
from tests.factories.events import make_workspace
from tests.factories.world.orders import TOKEN
from tests.fakes.n8n import FakeN8n, running_fake_n8n
from tests.integration.isolation import sources
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.cells import Cells
from tests.integration.isolation.world import World

JSON = "application/json"
# Who calls out, and how it is kept to the tenant's own n8n or to nobody's.
CALLS_OUT = {
    "controlplane/audit/sink.py": "the operator's AUDIT_SINK, with hashes alone",
    "controlplane/audit/tasks.py": "names errors of httpx",
    "controlplane/approvals/resume.py": "an address that assert_own_url has made its own",
    "controlplane/catalog/trying/failing.py": "a Webhook that it made at the workspace's own base",
    "controlplane/connections/broker.py": "a tenant's outside system, by core.guarded_http",
    "controlplane/connections/sftp.py": "a tenant's outside system, by core.dialling",
    "controlplane/connections/smtp.py": "a tenant's outside system, by core.dialling",
    "controlplane/core/guarded_http.py": "an address that was judged by core.dialling",
    "controlplane/core/outward.py": "an address that a partner typed in, never of our network",
    "controlplane/portal/identity/single_sign_on.py": "a partner's provider, by core.outward",
    "controlplane/portal/views/sign_on.py": "a partner's provider, by core.outward",
    "controlplane/core/http.py": "makes the client for the others",
    "controlplane/events/delivery.py": "an address that assert_own_url has made its own",
    "controlplane/events/outage.py": "an address that assert_own_url has made its own",
    "controlplane/events/exceptions/taxonomy.py": "calls nobody: sorts the errors of who does",
    "controlplane/instances/client/__init__.py": "a workspace's or an instance's own address",
    "controlplane/instances/client/executions.py": "the same client",
    "controlplane/instances/client/transport.py": "the same client",
    "controlplane/instances/client/workflows.py": "the same client",
    "controlplane/instances/members.py": "an instance's own address, outside of tenants",
    "controlplane/instances/probe.py": "an instance's own address, outside of tenants",
    "controlplane/instances/services/workspaces.py": "gives the client address and key",
    "controlplane/support/sending.py": "the operator's mail server",
    "controlplane/knowledge/index/weaviate_client.py": "the deployment's index: test_vectors",
}
LIBRARIES = {"asyncssh", "ftplib", "httpcore", "httpx", "requests", "smtplib", "urllib3"}
# Who makes a client of n8n: for a tenant only by client_for(workspace).
MAKES_A_CLIENT = {
    "controlplane/instances/probe.py",
    "controlplane/instances/services/workspaces.py",
}


def tricks(own: str, foreign: str) -> list[str]:
    """Addresses that lead, or may lead some parser, to another n8n than one's own."""
    host = own.removeprefix("http://")
    other = foreign.removeprefix("http://")
    return [
        f"{foreign}/webhook/a", f"http://{other}@{host}/webhook/a", f"http://{host}@{other}/a",
        f"http://{host}.{other}/a", f"{own}.example.com/a", f"{own}@{other}/a",
        f"{own}\\@{other}/a", f"//{other}/a", f"https://{host}/a", f"{own}/../a",
        f"{own}/%2e%2e/a", f"{own}//{other}/a", f"{own}/a#{foreign}", f"{own}\t/a",
        "file:///etc/passwd", "http://169.254.169.254/a", own, "", f"{own}1/webhook/a",
    ]  # fmt: skip


@pytest.fixture
def foreign_n8n(callers: Callers) -> Any:
    """The neighbour has an n8n too, with a key of its own."""
    with running_fake_n8n() as n8n:
        with inside(callers.neighbour):
            make_workspace(n8n.url, api_key="foreign-key", prefix="south")
        yield n8n


def test_no_address_of_another_n8n_is_its_own(
    world: World, callers: Callers, foreign_n8n: FakeN8n
) -> None:
    cells = Cells("n8n")
    machine = callers.machine.client("localhost")
    with inside(world.tenant):
        workspace = Workspace.current()
    for url in tricks(world.n8n.url, foreign_n8n.url):
        wrong = ["it is taken"]
        try:
            assert_own_url(workspace, url)
        except ForeignUrl:
            wrong = []
        cells.refused(f"assert_own_url({url!r})", *wrong)
        given = {"webhook_url": url, "event_types": ["order.created"], "workflow_id": "1"}
        answer = machine.put("/api/v1/subscriptions", given, JSON)
        cells.refused(
            f"subscribing {url!r}",
            *([] if answer.status_code in {400, 422} else [f"it answers {answer.status_code}"]),
        )
    cells.assert_no_leak()
    own = f"{world.n8n.url}/webhook/a"
    assert assert_own_url(workspace, own) == own


def test_what_stands_in_a_row_is_called_only_at_its_own_n8n(
    world: World, foreign_n8n: FakeN8n
) -> None:
    """Whatever got an address into the row: it is looked at again before the call."""
    cells = Cells("n8n")
    with inside(world.tenant):
        for url in tricks(world.n8n.url, foreign_n8n.url):
            Subscription.objects.update(webhook_url=url)
            Waiter.objects.update(resume_url=url)
            for name, call, row in (
                ("deliver", delivery.deliver, world.rows["delivery_id"]),
                ("resume", resume.resume, world.rows["waiter_id"]),
            ):
                wrong = ["it is called"]
                try:
                    call(row)
                except outbox.NotYet as error:
                    is_refused = isinstance(error.__cause__, ForeignUrl)
                    wrong = [] if is_refused else [f"it is called: {error}"]
                cells.refused(f"{name} to {url!r}", *wrong)
        Subscription.objects.update(webhook_url=f"{world.n8n.url}/webhook/a")
        with pytest.raises(outbox.NotYet):
            delivery.deliver(world.rows["delivery_id"])
    cells.refused("any call", *(f"{call}" for call in foreign_n8n.calls))
    cells.assert_no_leak()
    assert world.n8n.calls, "its own n8n was called, so the others were refused for their address"


def test_each_tenant_calls_n8n_with_its_own_key(
    world: World, callers: Callers, foreign_n8n: FakeN8n
) -> None:
    cells = Cells("n8n")
    for tenant, own, other in (
        (world.tenant, world.n8n, foreign_n8n), (callers.neighbour, foreign_n8n, world.n8n),
    ):  # fmt: skip
        own.calls.clear()
        other.calls.clear()
        with inside(tenant), client_for(Workspace.current()) as n8n:
            n8n.list_workflows()
        cells.refused(f"client_for in {tenant.slug}", *(f"{call}" for call in other.calls))
        assert own.calls
    with inside(callers.sandbox), pytest.raises(NoWorkspace):
        Workspace.current()
    cells.refused("Workspace.current in the sandbox")
    cells.assert_no_leak()


def test_a_delivery_is_fetched_by_its_listener_with_its_token_only(
    world: World, callers: Callers
) -> None:
    cells = Cells("n8n")
    path = f"/api/v1/deliveries/{world.rows['delivery_id']}/claim"
    for name, caller, token in (
        ("another token", callers.machine, "another"),
        ("no token", callers.machine, ""),
        ("the digest", callers.machine, delivery._digest(TOKEN)),
        ("another installation", callers.machine_of(uuid.uuid4()), TOKEN),
        *((caller.name, caller, TOKEN) for caller in callers.foreign),
    ):
        answer = caller.client("localhost").post(path, {"token": token}, JSON)
        wrong = [] if answer.status_code in {401, 404, 422} else [f"it gives {answer.content!r}"]
        cells.refused(f"claim with {name}", *wrong)
    with inside(world.tenant):
        status = Delivery.objects.get(pk=world.rows["delivery_id"]).status
    cells.refused("the delivery", *([] if status == Delivery.Status.PENDING else ["it is fetched"]))
    cells.assert_no_leak()

    own = callers.machine.client("localhost").post(path, {"token": TOKEN}, JSON)
    assert own.status_code == 200, own.content


def test_a_listener_is_taken_away_by_its_own_installation_only(
    world: World, callers: Callers
) -> None:
    cells, row = Cells("n8n"), world.rows["subscription_id"]
    for caller in (callers.machine_of(uuid.uuid4()), *callers.foreign):
        caller.client("localhost").delete(f"/api/v1/subscriptions/{row}")
        listed = caller.client("localhost").get("/api/v1/subscriptions")
        with inside(world.tenant):
            listens = Subscription.objects.listening().filter(pk=row).exists()
            wrong = [] if listens else ["it is gone"]
        cells.refused(
            f"unsubscribing by {caller.name}", *wrong, *world.told_in(str(listed.content))
        )
    cells.assert_no_leak()

    assert callers.machine.client("localhost").delete(
        f"/api/v1/subscriptions/{row}"
    ).status_code == 204  # fmt: skip
    with inside(world.tenant):
        assert not Subscription.objects.listening().filter(pk=row).exists()


def test_everybody_who_calls_out_is_known() -> None:
    found = {
        path
        for path, names in sources.imports().items()
        if any(name.partition(".")[0] in LIBRARIES for name in names)
        or "urllib.request" in {name.rpartition(".")[0] for name in names}
    }

    assert found - set(CALLS_OUT) == set(), "say in CALLS_OUT whom it calls, and try it here"
    assert set(CALLS_OUT) - found == set(), "these call nobody any more: take them out"


def test_a_client_of_n8n_is_made_from_the_workspace() -> None:
    assert set(sources.calls("N8nClient")) == MAKES_A_CLIENT
