"""An answer as people check it: each sentence with its sources, and these marked in place."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from controlplane.knowledge.answers.models import Answer
from controlplane.knowledge.answers.services import latest_answer
from controlplane.knowledge.models import DocumentVersion
from controlplane.policies.models import Decision
from controlplane.portal.marking import Span, excerpt, marked
from controlplane.portal.reasons import told
from tenants.context import current_tenant

TONES = {"accept": "good", "hold": "wait", "reject": "bad"}
OUTCOMES = {
    "accept": gettext_lazy("Good enough to send"),
    "hold": gettext_lazy("A draft for a person"),
    "reject": gettext_lazy("Not good enough"),
}
WHY_DROPPED = {
    "no_citation": gettext_lazy("It named no source."),
    "cites_no_passage": gettext_lazy("It named a source that it was not given."),
    "unsupported": gettext_lazy("Its source does not say so."),
    "negation_differs": gettext_lazy("Its source says the opposite, or leaves out a “not”."),
    "not_in_source": gettext_lazy("A number, name or address in it is not in its source:"),
    "source_withdrawn": gettext_lazy("Its source was taken out of use meanwhile."),
}
WHY_QUOTED = {
    "timeout": gettext_lazy("The language model did not answer in time."),
    "unavailable": gettext_lazy("The language model could not be reached."),
    "refused": gettext_lazy("The language model refused to answer."),
    "quota": gettext_lazy("This month's budget for language models is spent."),
    "misconfigured": gettext_lazy("The language model is not set up rightly."),
    "malformed": gettext_lazy("The language model's answer could not be read."),
    "not_answered": gettext_lazy("The language model found no answer in the passages."),
    "unsupported": gettext_lazy("Nothing that the language model wrote stood in the passages."),
}


@dataclass(frozen=True)
class Cite:
    """A sentence's small number: of the source, and where in it the mark is."""

    number: int
    anchor: str


@dataclass(frozen=True)
class ShownSentence:
    text: str
    cites: list[Cite]


@dataclass(frozen=True)
class Source:
    """A passage with what the answer takes from it marked. `address` is the portal's own."""

    number: int
    title: str
    version: int
    heading: str
    text: SafeString
    is_cut_before: bool
    is_cut_after: bool
    address: str
    url: str
    status: str = ""

    @property
    def is_replaced(self) -> bool:
        return self.status != DocumentVersion.Status.APPROVED


@dataclass(frozen=True)
class ShownAnswer:
    """`thresholds` are shares of 1: from the first on a draft is made, from the second sent."""

    answer: Answer
    sentences: list[ShownSentence]
    sources: list[Source]
    dropped: list[tuple[str, str]]
    reasons: list[dict[str, Any]]
    thresholds: list[float] = field(default_factory=list)

    @property
    def tone(self) -> str:
        return TONES[self.zone]

    @property
    def outcome(self) -> str:
        return str(OUTCOMES[self.answer.verdict])

    @property
    def zone(self) -> str:
        """Where the confidence alone would have put it; a rule may have said less."""
        if not self.thresholds:
            return self.answer.verdict
        draft, reply = self.thresholds
        # As the policy compares: in whole percent.
        sure = int(self.answer.confidence * 100) / 100
        return "reject" if sure < draft else "hold" if sure < reply else "accept"

    @property
    def fallback(self) -> str:
        return str(WHY_QUOTED.get(self.answer.fallback, self.answer.fallback))

    @property
    def created_at(self) -> datetime:
        return self.answer.created_at


def shown_answer(ticket_id: uuid.UUID, sent_id: uuid.UUID | None = None) -> ShownAnswer | None:
    """The one that was sent to the ticket, else the newest; None before there is one."""
    sent = Answer.objects.filter(pk=sent_id).first() if sent_id else None
    answer = sent or latest_answer("ticket", ticket_id)
    return presented(answer) if answer else None


def presented(answer: Answer) -> ShownAnswer:
    sources, anchors = _sources(answer)
    return ShownAnswer(
        answer=answer,
        sentences=[
            ShownSentence(
                sentence["text"],
                list(dict.fromkeys(anchors[_key(cited)] for cited in sentence["citations"])),
            )
            for sentence in answer.sentences
        ],
        sources=sources,
        dropped=[(each["text"], _why_dropped(each["reason"])) for each in answer.dropped],
        reasons=told(answer.reasons, None),
        thresholds=_thresholds(answer),
    )


def _sources(answer: Answer) -> tuple[list[Source], dict[tuple[str, int, int], Cite]]:
    """One for each passage that is cited, and for each citation the mark that stands for it."""
    cited: dict[str, list[dict[str, Any]]] = {}
    for sentence in answer.sentences:
        for citation in sentence["citations"]:
            cited.setdefault(citation["chunk_id"], []).append(citation)
    seen = {passage["chunk_id"]: passage for passage in answer.passages}
    statuses = _statuses(citations[0] for citations in cited.values())
    sources: list[Source] = []
    anchors: dict[tuple[str, int, int], Cite] = {}
    for number, (chunk_id, citations) in enumerate(cited.items(), start=1):
        spans = sorted({(c["start"], c["end"]) for c in citations})
        anchors |= {
            (chunk_id, *span): Cite(number, f"mark-{number}-{place}")
            for place, span in enumerate(spans, start=1)
        }
        sources.append(_source(number, citations[0], spans, seen.get(chunk_id), statuses))
    return sources, anchors


def _source(
    number: int,
    first: Mapping[str, Any],
    spans: Sequence[Span],
    passage: Mapping[str, Any] | None,
    statuses: Mapping[tuple[str, int], str],
) -> Source:
    # Without the passage, the quotation is all there is.
    text = passage["text"] if passage else first["quote"]
    offset = passage["start"] if passage else first["start"]
    inner = [(start - offset, end - offset) for start, end in spans]
    cut = excerpt(text, (inner[0][0], inner[-1][1]))
    here = [(start - cut[0], end - cut[0]) for start, end in inner]
    ids = [f"mark-{number}-{place}" for place in range(1, len(here) + 1)]
    return Source(
        number=number,
        title=first["title"],
        version=first["version"],
        heading=passage["heading"] if passage else "",
        text=marked(text[cut[0] : cut[1]], here, ids=ids),
        is_cut_before=cut[0] > 0,
        is_cut_after=cut[1] < len(text),
        address=address_of(first, span=spans[0]),
        # Without an address of its own, the document is read in the portal only.
        url="" if first["url"].startswith(current_tenant().portal_url) else first["url"],
        status=statuses.get((first["document"], first["version"]), ""),
    )


def address_of(passage: Mapping[str, Any], *, span: Span) -> str:
    """The document's page in the portal, at the passage, with the span marked."""
    query = urlencode({"version": passage["version"], "from": span[0], "to": span[1]})
    page = reverse("knowledge:detail", args=[passage["document"]])
    return f"{page}?{query}#passage-{passage['chunk_id']}"


def _statuses(cited: Any) -> dict[tuple[str, int], str]:
    """How each cited version stands now, by document and number."""
    versions = {(each["document"], each["version"]) for each in cited}
    rows = DocumentVersion.objects.filter(document__in={document for document, _number in versions})
    return {
        (str(document), number): status
        for document, number, status in rows.values_list("document", "number", "status")
        if (str(document), number) in versions
    }


def _thresholds(answer: Answer) -> list[float]:
    """Those that the decision went by, whatever the policy says since."""
    decision = Decision.objects.filter(pk=answer.decision_id).first()
    return thresholds_in(decision.parameters) if decision else []


def thresholds_in(given: Mapping[str, Any]) -> list[float]:
    """From which share of 1 on there is a draft, and from which it is sent; empty if unset."""
    if "draft_above" not in given or "reply_above" not in given:
        return []
    return [float(given["draft_above"]) / 100, float(given["reply_above"]) / 100]


def _key(citation: Mapping[str, Any]) -> tuple[str, int, int]:
    return citation["chunk_id"], citation["start"], citation["end"]


def _why_dropped(reason: str) -> str:
    code, _sep, detail = reason.partition(": ")
    return " ".join(filter(None, (str(WHY_DROPPED.get(code, code)), detail)))
