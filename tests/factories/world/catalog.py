"""A draft of the tenant's partner, which only that partner's people work on."""

import json

from controlplane.catalog import importing
from controlplane.catalog.models import CaseRun
from controlplane.catalog.releases import change_draft
from tenants.context import current_tenant, outside
from tests.factories.events import ADA
from tests.factories.installations import workflow
from tests.factories.world import Part

CASE = {
    "title": "Accepts", "parameters": {}, "event": {"type": "order.created", "payload": {}},
    "expected": {"verdict": "accept"},
}  # fmt: skip
EXPORT = json.dumps({**workflow(), "name": "Watch the lock gate"})


def part(url: str) -> Part:
    tenant = current_tenant()
    with outside():
        owner = tenant.lead_partner
        draft = importing.import_workflows(source=EXPORT, owner=owner, by=ADA)[0]
        draft = change_draft(release_id=draft.pk, cases={"accepts": CASE}, by=ADA)
        # One that passed, so that it may go live, and one that goes on, so that none begins.
        for status in CaseRun.Status.ENDED, CaseRun.Status.RUNNING:
            draft.case_runs.create(
                digest=draft.digest, status=status, passed=1, failed=0, results=[], ran_by="Ada"
            )
    return Part(
        # As text: the platform's trail tells its admins of releases, by their key.
        rows={"release_id": str(draft.pk), "verb": "live"},
        bodies={
            "templates/own/import/": {"text": EXPORT, "owner": str(owner.pk) if owner else ""},
            "templates/own/<uuid:release_id>/edit/": {"summary": "Watches."},
            "templates/own/<uuid:release_id>/shape/": {
                "rows-TOTAL_FORMS": "0", "rows-INITIAL_FORMS": "0",
            },
            "api/v1/releases": {"workflow": json.loads(EXPORT), "title": "Another lock"},
            "api/v1/releases/<uuid:release_id>": {"notes": "Watches."},
            "api/v1/releases/<uuid:release_id>/steps": {"step": "live", "note": "It ran well"},
            "api/v1/installations": {"template": "review-orders", "wait": False},
            "api/v1/installations/<uuid:installation_id>": {"parameters": {"max_quantity": 8}},
        },
        secrets={"Watch the lock gate"},
    )  # fmt: skip
