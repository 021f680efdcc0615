"""What a release changes since the one before it, in sentences."""

from collections.abc import Callable

from controlplane.catalog.models import Release
from controlplane.workflow.differences import compare
from controlplane.workflow.wording import sentence

MOST = 200
# The English texts are the keys of their translations.
SENTENCES = {
    "added": "The parameter “{label}” was added.",
    "removed": "The parameter “{label}” was removed.",
    "changed": "The parameter “{label}” was changed.",
    "needed": "It needs {name} now ({what}).",
    "not_needed": "It does not need {name} any more ({what}).",
    "n8n": "It needs n8n {after} instead of {before}.",
}


def changes_since(
    before: Release | None, release: Release, translate: Callable[[str], str] = str
) -> list[str]:
    """Of the workflow, then of the parameters and of what it needs; empty for a first release."""
    if before is None:
        return []
    compared = compare(before.workflow, release.workflow).changes
    told = [sentence(change, translate) for change in compared if change.kind != "node_moved"]
    return [*told, *_terms(before, release, translate)][:MOST]


def _terms(before: Release, release: Release, translate: Callable[[str], str]) -> list[str]:
    def told_of(key: str, **values: str) -> str:
        return translate(SENTENCES[key]).format_map(values)

    old, new = before.terms, release.terms
    was = {spec.name: spec for spec in old.parameters}
    now = {spec.name: spec for spec in new.parameters}
    told = [told_of("added", label=spec.label) for n, spec in now.items() if n not in was]
    told += [told_of("removed", label=spec.label) for n, spec in was.items() if n not in now]
    told += [
        told_of("changed", label=spec.label)
        for name, spec in now.items()
        if name in was and was[name] != spec
    ]
    for what in ("events", "connections", "packages", "scopes"):
        one, other = set(getattr(old, what)), set(getattr(new, what))
        told += [told_of("needed", name=name, what=what) for name in sorted(other - one)]
        told += [told_of("not_needed", name=name, what=what) for name in sorted(one - other)]
    if old.n8n_minimum != new.n8n_minimum:
        told.append(told_of("n8n", before=old.n8n_minimum, after=new.n8n_minimum))
    return told
