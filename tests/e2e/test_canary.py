"""After flows that succeeded, failed and crashed, no secret stands anywhere in clear."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from controlplane.events.models import Delivery
from deploy.demo.member import MemberClient
from tenants.context import inside
from tenants.models import ApiKey, Tenant
from tests.canary import Finding, Places, find_secrets, secrets_of_this_installation
from tests.e2e.flow import post, send, signed
from tests.services import VAR, stack

pytestmark = pytest.mark.e2e

# n8n keeps the keys that it issued readable in its own database, and its licence allows nothing
# else: they open n8n, and whoever reads that table is in n8n already.
N8NS_OWN = {"n8n: public.user_api_keys.apiKey"}


def test_no_secret_is_in_clear_after_success_failure_and_crash(
    running: Any, eventually: Any, tmp_path: Path
) -> None:
    hafen, prairie = running.places["hafen"], running.places["prairie"]
    key, text = ApiKey.issue(tenant=hafen.tenant, name="canary", scopes=["orders:review"])

    # Success, with a person in between: the resume URL is kept while n8n waits.
    sent, held = send(hafen), send(prairie, "usd_large")
    assert eventually(sent.outcome) == "accepted"
    approval = eventually(held.waiting, what="n8n waits")
    known = secrets_of_this_installation()

    # Failure: refused signatures, a key that is wrong, and one that is right with a wrong body.
    assert post(hafen, b'{"id": 7}', signed(prairie, b'{"id": 7}')).status_code == 401
    for bearer in (text, f"{text[:-4]}0000"):
        answer = httpx.post(
            f"{settings.PUBLIC_URL}/api/v1/operations/order/review",
            json={"event_id": bearer}, headers={"Authorization": f"Bearer {bearer}"},
            trust_env=False,
        )  # fmt: skip
        assert 400 <= answer.status_code < 500

    # Crash: both are killed while orders are on their way, and what they left is finished.
    crashed = [send(hafen) for _order in range(4)]
    running.pergola.kill("relay")
    running.pergola.kill("worker")
    member = MemberClient(prairie)
    member.decide(str(approval.pk), "approve", "").raise_for_status()
    member.close()
    assert eventually(held.outcome, within=90) == "accepted"
    for order in crashed:
        assert eventually(order.outcome, within=90) == "accepted"

    later = secrets_of_this_installation()
    known.texts |= later.texts | {"the key that was used": text}
    known.digests |= later.digests
    named = " ".join([*known.texts, *known.digests.values()])
    for kind in ("Source.secret", "Workspace.api_key", "Workspace.member_password",
                 "Instance.owner_key", "Waiter.resume_url", "LLM_API_KEY", "ENCRYPTION_KEYS",
                 f"API key {key.prefix}", "token of delivery"):  # fmt: skip
        assert kind in named, f"no canary of this kind was planted: {kind}"

    found = [one for one in find_secrets(known, places(running)) if not is_n8ns_own(one)]
    if name := os.environ.get("CANARY_REPORT"):  # the bench's
        Path(name).write_text(json.dumps(len(found)))
    assert found == []

    # The same search finds one of them where it is planted.
    (tmp_path / "web.log").write_text(json.dumps({"event": hafen.secrets["shopify"]}))
    assert len(find_secrets(known, Places(folders=[tmp_path]))) == 1


def is_n8ns_own(finding: Finding) -> bool:
    """n8n makes the token of a resume URL and compares a call with what its execution holds; and
    a run that began at a Webhook holds the token that it fetched its event by, which is void then.
    """
    if finding.place != "n8n: public.execution_data.data":
        return False
    kind, _sep, delivery = finding.secret.rpartition(" ")
    if kind == "token of delivery":
        return is_fetched(delivery)
    return "Waiter.resume_url" in finding.secret


def is_fetched(delivery: str) -> bool:
    """Whether nothing can be fetched by its token any more, by whoever has the listener's key."""
    for tenant in Tenant.objects.exclude(status=Tenant.Status.PROVISIONING):
        with inside(tenant):
            if found := Delivery.objects.filter(pk=delivery).first():
                return found.status in (Delivery.Status.CLAIMED, Delivery.Status.DELIVERED)
    return False


def places(running: Any) -> Places:
    owner = running.environment["DATABASE_OWNER_URL"]
    password = stack.state["EMBEDDED_POSTGRES_N8N_PASSWORD"]
    server = owner.rpartition("@")[2].partition("/")[0]
    return Places(
        databases=[owner, f"postgresql://pergola_n8n:{password}@{server}/n8n"],
        redis=[running.environment["REDIS_URL"]],
        folders=[VAR / "log", VAR / "files", VAR / "mail"],
        but_for=N8NS_OWN,
    )
