"""Words that make a ticket urgent whoever wrote it, in English and German.

A classifier learns a tenant's own sense of urgency from examples. These rules stand beside it: a
rule raises what the classifier says and never lowers it, so that a lawyer's letter or a leaking
battery is not overlooked because no example was like it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LEVELS = ("low", "normal", "high", "critical")
NORMAL = "normal"
# How sure a rule is of its level: what it matches is seldom meant otherwise.
RULE_CONFIDENCE = 0.9
# Without any example and any rule: nothing is known.
UNKNOWN_CONFIDENCE = 0.5


@dataclass(frozen=True)
class Sign:
    """One thing that speaks for a level: the rule's name and the words that it found."""

    rule: str
    level: str
    words: str


_RULES: tuple[tuple[str, str, str], ...] = (
    ("danger", "critical",
     r"injur(y|ed|ies)|on fire|caught fire|burn(s|ing)|smok(e|ing)|explo(de|ded|sion)|"
     r"electric shock|leaking (acid|gas|battery)|poison\w*|"
     r"verletz\w+|brennt|gebrannt|rauch|explodier\w+|explosion|stromschlag|vergift\w+|läuft aus"),
    ("legal", "critical",
     r"lawyers?|attorney|solicitor|lawsuit|sue (you|your)|legal action|court|"
     r"consumer protection|"
     r"anwalt|anwält\w+|rechtsanwalt\w*|klage|verklagen|rechtliche schritte|gericht|"
     r"verbraucherzentrale|abmahnung"),
    ("security", "critical",
     r"hack(ed|er)?|phishing|fraud|unauthori[sz]ed|never authori[sz]ed|data breach|"
     r"stolen (card|account|identity)|"
     r"gehackt|betrug|betrüger\w*|datenleck|datenpanne|nie genehmigt|fremde abbuchung\w*"),
    ("standstill", "critical",
     r"outage|production (line )?(is |has )?(down|stopped|stands still)|stands still|"
     r"cannot (open|operate|produce)|all (our )?(lines|shops|stores) (are )?down|"
     r"ausfall|produktion steht|steht still|stillstand|bandstillstand|"
     r"können nicht (öffnen|produzieren|arbeiten)"),
    ("urgent", "high",
     r"urgent(ly)?|asap|as soon as possible|immediately|right away|emergency|"
     r"by (today|noon|tonight|tomorrow)|before (noon|tomorrow)|deadline|time[- ]critical|"
     r"dringend\w*|eilt|eilig|sofort|umgehend|unverzüglich|schnellstmöglich|notfall|"
     r"bis (heute|mittags?|morgen)|frist"),
    ("overdue", "high",
     r"overdue|(days|weeks?|months?) late|missed (the|your) (delivery|deadline)|"
     r"still (waiting|not here|has not arrived|nothing)|third time|again and again|"
     r"überfällig\w*|(tage|wochen?|monate?) (zu spät|verspätet)|warte (immer )?noch|"
     r"immer noch nicht|zum dritten mal|immer wieder"),
    ("anger", "high",
     r"unacceptable|outrag\w+|furious|ridiculous|disgrace\w*|fed up|scandal\w*|never again|"
     r"inakzeptabel|unverschämt\w*|frechheit|skandal\w*|mir reicht|nie wieder|stinksauer|"
     r"lächerlich"),
    ("leaving", "high",
     r"chang(e|ing) (the |our )?supplier|take our business elsewhere|cancel (our|the) contract|"
     r"lieferanten (zu )?wechseln|vertrag (zu )?kündigen|kündigen (wir )?den vertrag"),
)  # fmt: skip
_COMPILED = tuple(
    (rule, level, re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE))
    for rule, level, pattern in _RULES
)
_DENIED = re.compile(
    r"\b(not|no|isn't|is not|without|nicht|kein\w*|ohne)(\s+\w+)?\s*$", re.IGNORECASE
)
# Three words in a row; one or two are an abbreviation or a name.
_CAPITALS = re.compile(
    r"\b(?:[A-ZÄÖÜ]{2,}\W{1,3}){2}[A-ZÄÖÜ]{4,}\b"
    r"|\b[A-ZÄÖÜ]{4,}\W{1,3}[A-ZÄÖÜ]{2,}\W{1,3}[A-ZÄÖÜ]{2,}\b"
)
_MANY_MARKS = re.compile(r"[!?]{0,5}![!?]{0,5}!")


def signs_of(text: str) -> list[Sign]:
    """Every rule that the text meets, once each."""
    return list(_signs(text[:8000]))


def highest(levels: list[str]) -> str:
    return max(levels, key=LEVELS.index)


def _signs(text: str) -> Iterator[Sign]:
    for rule, level, pattern in _COMPILED:
        for found in pattern.finditer(text):
            # "not urgent", "eilt nicht": what is denied says nothing.
            after = text[found.end() : found.end() + 8].lower()
            if _DENIED.search(text[: found.start()][-24:]) or after.startswith(" nicht"):
                continue
            yield Sign(rule, level, found[0].lower())
            break
    if shouted := _CAPITALS.search(text):
        yield Sign("capitals", "high", shouted[0].lower())
    if marks := _MANY_MARKS.search(text):
        yield Sign("exclamation", "high", marks[0])
