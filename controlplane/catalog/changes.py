"""What a release changes since the one before it, in sentences."""

from collections.abc import Callable

from controlplane.catalog.models import Release
from controlplane.workflow.differences import compare
from controlplane.workflow.wording import sentence

MOST = 200


def changes_since(
    before: Release | None, release: Release, translate: Callable[[str], str] = str
) -> list[str]:
    """Of the workflow, then of the parameters and of what it needs; empty for a first release."""
    if before is None:
        return []
    compared = compare(before.workflow, release.workflow).changes
    told = [sentence(change, translate) for change in compared if change.kind != "node_moved"]
    return [*told, *_terms(before, release)][:MOST]


def _terms(before: Release, release: Release) -> list[str]:
    old, new = before.terms, release.terms
    was = {spec.name: spec for spec in old.parameters}
    now = {spec.name: spec for spec in new.parameters}
    told = [f"The parameter “{spec.label}” was added." for n, spec in now.items() if n not in was]
    told += [
        f"The parameter “{spec.label}” was removed." for n, spec in was.items() if n not in now
    ]
    told += [
        f"The parameter “{spec.label}” was changed."
        for name, spec in now.items()
        if name in was and was[name] != spec
    ]
    for what in ("events", "connections", "packages", "scopes"):
        one, other = set(getattr(old, what)), set(getattr(new, what))
        told += [f"It needs {name} now ({what})." for name in sorted(other - one)]
        told += [f"It does not need {name} any more ({what})." for name in sorted(one - other)]
    if old.n8n_minimum != new.n8n_minimum:
        told.append(f"It needs n8n {new.n8n_minimum} instead of {old.n8n_minimum}.")
    return told
