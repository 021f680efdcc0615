"""The official rules of EN 16931, run on UBL and CII by Saxon.

`validate` may be called from any thread. The rules are compiled once, in a process of their own
per server process; a document that takes too long costs that process and nothing else.
"""

import re
import time
from dataclasses import dataclass
from typing import Literal

from lxml import etree

from controlplane.invoices.reading import cii, ubl, xml
from controlplane.invoices.reading.refusal import Refused
from controlplane.invoices.rules.engine import (
    ENGINE,
    SECONDS,
    RulesTookTooLong,
    RulesUnavailable,
)
from controlplane.invoices.rules.sets import RuleSet, Syntax, belongs_to_factur_x, choose

__all__ = [
    "Finding",
    "RuleSet",
    "RulesTookTooLong",
    "RulesUnavailable",
    "Validation",
    "validate",
    "warm_up",
]


_TERM = re.compile(r"\bB[TG]-[0-9]+(?:-[0-9]+)?\b")


@dataclass(frozen=True)
class Finding:
    """One rule that one element breaks."""

    rule_id: str  # BR-CO-14
    severity: Literal["fatal", "warning"]
    message: str  # as the rule's authors wrote it
    element: str  # Invoice/InvoiceLine[2]/Price

    @property
    def terms(self) -> tuple[str, ...]:
        """The business terms that the message names: BT-115, BG-25."""
        return tuple(dict.fromkeys(_TERM.findall(self.message)))


@dataclass(frozen=True)
class Validation:
    rule_set: RuleSet
    findings: tuple[Finding, ...]
    total: int  # of all findings; `findings` holds the first 500
    seconds: float

    @property
    def errors(self) -> int:
        return sum(finding.severity == "fatal" for finding in self.findings)

    @property
    def warnings(self) -> int:
        return len(self.findings) - self.errors

    @property
    def is_valid(self) -> bool:
        """Whether no rule is broken; warnings do not make an invoice invalid."""
        return self.errors == 0


def validate(
    document: str | bytes, syntax: Syntax | None = None, *, seconds: float = SECONDS
) -> Validation:
    """What the rules say about an invoice. `syntax` None finds it by the root element.

    XML that would go into quarantine breaks one rule, whose id is the reason's code in capitals
    after "PERGOLA-"; so does an invoice for which no official rules are shipped (ZUGFeRD 1.0).
    Raises RulesUnavailable and RulesTookTooLong, which say nothing about the invoice.
    """
    began = time.perf_counter()
    try:
        root = xml.parse(document.encode() if isinstance(document, str) else document)
        syntax = syntax or _syntax(root)
    except Refused as refused:
        return _refused(refused.code, refused.message, began)
    if root.namespace == cii.ZUGFERD_1:
        return _refused(
            "no_rules",
            "ZUGFeRD 1.0 is older than EN 16931: there are no official rules for it.",
            began,
        )
    profile = root.text(
        "ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID"
        if syntax == "cii"
        else "CustomizationID"
    )
    rule_set, path = choose(syntax, profile)
    answer = ENGINE.findings(
        path, etree.tostring(root.element, encoding="unicode", with_tail=False), seconds=seconds
    )
    findings = tuple(Finding(**finding) for finding in answer["findings"])
    if syntax == "cii" and not belongs_to_factur_x(profile):
        # Factur-X's file allows its own profiles only; XRechnung and other uses of EN 16931 name
        # theirs in the same place, which EN 16931 itself does not restrict.
        findings = tuple(finding for finding in findings if not _names_profile(finding))
    return Validation(
        rule_set=rule_set,
        findings=findings,
        total=answer["total"] - len(answer["findings"]) + len(findings),
        seconds=time.perf_counter() - began,
    )


def warm_up(*syntaxes: Syntax) -> None:
    """Start the process and compile the rules of EN 16931 before the first document comes."""
    for syntax in syntaxes or ("ubl", "cii"):
        _rule_set, path = choose(syntax, "")
        ENGINE.compile(path)


def _names_profile(finding: Finding) -> bool:
    return finding.rule_id.startswith("FX-SCH-") and finding.element.endswith(
        "/GuidelineSpecifiedDocumentContextParameter/ID"
    )


def _syntax(root: xml.Node) -> Syntax:
    if ubl.is_invoice(root):
        return "ubl"
    if cii.is_invoice(root):
        return "cii"
    raise Refused("not_an_invoice", f"{root.name[:60]} is no invoice in UBL or CII.")


def _refused(code: str, message: str, began: float) -> Validation:
    rule_id = f"PERGOLA-{code.upper().replace('_', '-')}"
    return Validation(
        rule_set=RuleSet("none"),
        findings=(Finding(rule_id, "fatal", message, ""),),
        total=1,
        seconds=time.perf_counter() - began,
    )
