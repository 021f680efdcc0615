"""Two releases of a template, an installation of the first, and what a tenant edits in n8n."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from controlplane.catalog.deploy import deploy
from controlplane.catalog.models import Installation, Release, Upgrade
from controlplane.catalog.upgrades.asking import upgrade
from controlplane.catalog.upgrades.planning import Plan, plan_upgrade
from tenants.context import outside
from tenants.models import ApiKey
from tests.factories.events import ADA
from tests.factories.installations import (
    MANIFEST,
    make_installation,
    make_release,
    workflow,
    write_template,
)
from tests.fakes.n8n import FakeN8n

SWITCH = {
    "id": "d", "name": "By verdict", "type": "n8n-nodes-base.noOp", "typeVersion": 1,
    "position": [400, 0], "parameters": {},
}  # fmt: skip
NEW_PARAMETER = {"name": "team", "type": "text", "label": "Team"}


def later_workflow() -> dict[str, Any]:
    """Release 2: another parameter of Review, and a node after it."""
    flow = workflow()
    flow["nodes"][1]["parameters"]["notify"] = "sales"
    flow["nodes"].append(deepcopy(SWITCH))
    flow["connections"]["Review"] = {"main": [[{"node": "By verdict", "type": "main", "index": 0}]]}
    return flow


def make_later_release(root: Path, **manifest: Any) -> Release:
    """2.0.0 of what `make_release` made; from within a tenant too."""
    from controlplane.catalog.loader import load_folder

    flow = manifest.pop("flow", None) or later_workflow()
    given = {"version": "2.0.0", "parameters": MANIFEST["parameters"], **manifest}
    with outside():
        return load_folder(write_template(root, flow=flow, **given))[0]


def make_active(root: Path, **parameters: Any) -> Installation:
    with outside():
        release = make_release(root)
    installation = deploy(make_installation(release, **parameters).pk)
    installation.refresh_from_db()
    return installation


def edit(n8n: FakeN8n, **changes: Any) -> dict[str, Any]:
    """As a person in the editor: parameters of Review, and the name of the node."""
    (found,) = n8n.workflows.values()
    flow = {key: deepcopy(found[key]) for key in ("nodes", "connections", "settings", "name")}
    node = next(node for node in flow["nodes"] if node["id"] == "b")
    if name := changes.pop("rename", ""):
        flow["connections"] = {
            (name if source == node["name"] else source): kinds
            for source, kinds in flow["connections"].items()
        }
        for kinds in flow["connections"].values():
            for outputs in kinds.values():
                for output in outputs:
                    for target in output:
                        if target["node"] == node["name"]:
                            target["node"] = name
        node["name"] = name
    node["parameters"] |= changes
    n8n.saved(found, flow)
    return found


def planned(installation: Installation, release: Release, **how: Any) -> Plan:
    return plan_upgrade(installation_id=installation.pk, release_id=release.pk, **how)


def asked(installation: Installation, release: Release, **how: Any) -> Upgrade:
    return upgrade(installation_id=installation.pk, release_id=release.pk, by=ADA, **how)


def in_n8n(n8n: FakeN8n) -> dict[str, Any]:
    (found,) = n8n.workflows.values()
    return found


def node(n8n: FakeN8n, node_id: str) -> dict[str, Any]:
    return next(each for each in in_n8n(n8n)["nodes"] if each["id"] == node_id)


def scopes() -> list[str]:
    with outside():
        (key,) = ApiKey.objects.filter(revoked_at=None)
    return list(key.scopes)
