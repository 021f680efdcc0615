"""Whatever `read` lets through, everything else can work with."""

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.importer import damaged
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.differences import compare
from controlplane.workflow.merging import merge
from controlplane.workflow.naming import dangling
from controlplane.workflow.picture.drawing import draw
from controlplane.workflow.reading import WorkflowUnreadable, read
from controlplane.workflow.wording import conflict_sentence, sentence
from tests.factories.workflows import FILES
from tests.unit.workflow.test_picture import parsed


def version(path: Any, chance: random.Random) -> Any:
    """The file damaged in some way that can be read still."""
    while True:
        try:
            found = read(damaged(path.read_bytes(), chance))
        except WorkflowUnreadable:
            continue
        return found[0].workflow


@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.sampled_from(FILES), st.integers(0, 2**32))
def test_damaged_versions_are_merged_compared_and_drawn(path: Any, seed: int) -> None:
    chance = random.Random(seed)
    base, ours, theirs = (version(path, chance) for _copy in range(3))

    merged = merge(base=base, ours=ours, theirs=theirs)
    for choice in ("ours", "theirs"):
        decided = [c.resolved(choice) for c in merged.conflicts]  # type: ignore[arg-type]
        again = merge(base=base, ours=ours, theirs=theirs, resolutions=decided)
        assert dangling(again.workflow) == []
        assert len(workflow_hash(again.workflow)) == 64

    json.dumps(merged.workflow, allow_nan=False)
    assert all(conflict_sentence(conflict) for conflict in merged.conflicts)
    assert all(sentence(change) for change in compare(ours, theirs).changes)
    assert parsed(draw(theirs, since=ours)) is not None
