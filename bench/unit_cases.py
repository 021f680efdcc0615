"""The official unit cases of EN 16931: test sets in the format of the VEFA validator."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

_VEFA = "{http://difi.no/xsd/vefa/validator/1.0}"


@dataclass(frozen=True)
class Case:
    """One test of a test set: a document, and the rules that it breaks and keeps."""

    number: int
    scope: frozenset[str]
    errors: Counter[str]
    warnings: Counter[str]
    successes: frozenset[str]
    document: bytes

    def misses(self, found: Sequence[tuple[str, str]]) -> list[str]:
        """What the findings (rule id, severity) have too much or too little, in words."""
        counted = {
            severity: Counter(rule for rule, kind in found if kind == severity)
            for severity in ("fatal", "warning")
        }
        expected = {"fatal": self.errors, "warning": self.warnings}
        misses = []
        for severity, rules in expected.items():
            for rule, times in rules.items():
                seen = counted[severity][rule]
                # `number` says how often; without it once or more.
                if seen == 0 or (times > 1 and seen != times):
                    misses.append(f"{severity} {rule}: {seen} times instead of {times}")
            for rule in counted[severity]:
                if rule in self.scope and rule not in rules:
                    misses.append(f"{severity} {rule}: not expected")
        return misses


def read_cases(path: Path) -> Iterator[Case]:
    """The tests of a `testSet` of the VEFA validator."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    root = etree.fromstring(path.read_bytes(), parser)
    common = root.find(f"{_VEFA}assert")
    for number, test in enumerate(root.iter(f"{_VEFA}test"), start=1):
        own = test.find(f"{_VEFA}assert")
        errors: Counter[str] = Counter()
        warnings: Counter[str] = Counter()
        successes: Counter[str] = Counter()
        scope: Counter[str] = Counter()
        for expectations in (common, own):
            errors += _rules(expectations, "error", "fatal")
            warnings += _rules(expectations, "warning")
            successes += _rules(expectations, "success")
            scope += _rules(expectations, "scope")
        document = next(
            (child for child in test if child.tag not in {f"{_VEFA}assert", f"{_VEFA}note"}), None
        )
        if document is None:
            continue
        named = {*scope, *errors, *warnings, *successes}
        yield Case(
            number=number,
            scope=frozenset(named),
            errors=errors,
            warnings=warnings,
            successes=frozenset(successes),
            document=etree.tostring(document, with_tail=False),
        )


def _rules(expectations: Any, *kinds: str) -> Counter[str]:
    """Rule ids under elements such as <error number="2">BR-16 BR-17</error>."""
    found: Counter[str] = Counter()
    if expectations is None:
        return found
    for kind in kinds:
        for node in expectations.iter(f"{_VEFA}{kind}"):
            times = node.get("number", "1").strip()
            for rule in (node.text or "").replace(",", " ").split():
                found[rule] += int(times) if times.isdigit() else 1
    return found
