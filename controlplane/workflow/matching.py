"""Which node of one copy of a workflow is which node of another."""

from controlplane.workflow.shapes import Json

Pairs = dict[str, str]
"""Names in the one copy → names in the other."""


def matched(one: Json, other: Json) -> Pairs:
    """Pair the nodes of two sound workflows.

    By id first, which n8n keeps for as long as a node lives. What has no partner then is paired by
    name and type: ids are new where somebody exported, cleaned and imported the workflow. A pair
    of another type under the same id is still the same node, re-typed.
    """
    by_id = {node["id"]: node["name"] for node in other["nodes"]}
    pairs = {n["name"]: by_id[n["id"]] for n in one["nodes"] if n["id"] in by_id}
    taken = set(pairs.values())
    left = {node["name"]: node for node in other["nodes"] if node["name"] not in taken}
    for node in one["nodes"]:
        if node["name"] in pairs:
            continue
        partner = left.get(node["name"])
        if partner is not None and partner["type"] == node["type"]:
            pairs[node["name"]] = partner["name"]
            del left[node["name"]]
    return pairs
