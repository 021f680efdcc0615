"""An answer that a language model writes from the passages, checked before anybody sees it.

What cannot be shown to rest on a cited passage is dropped. Whatever goes wrong, somebody still
gets an answer: the caller then quotes, and the draft says why.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from controlplane.knowledge import llm
from controlplane.knowledge.answers.drafts import Draft, Dropped, Sentence, cite
from controlplane.knowledge.answers.grounding import support_of
from controlplane.knowledge.answers.prompt import (
    MOST_PASSAGES,
    Malformed,
    Written,
    messages_for,
    read_answer,
)
from controlplane.knowledge.retrieval import Passage
from tenants.limits import spend
from tenants.limits.refusal import LimitReached

# What is left of the confidence where the model read the passages and found no answer in them.
_TRUST_WITHOUT_ANSWER = 0.5


def write_answer(question: str, found: Sequence[Passage], *, language: str) -> Draft:
    """Without sentences where it came to nothing; `fallback` then says why. Raises nothing."""
    passages = found[:MOST_PASSAGES]
    messages = messages_for(
        question, passages, language=language, mark=f"data-{secrets.token_hex(8)}"
    )
    draft = Draft(
        by_model=True,
        parameters=llm.PARAMETERS,
        prompt=[{"role": message.role, "content": message.content} for message in messages],
    )
    try:
        spend.assert_may_spend()
        said = llm.complete(messages)
    except LimitReached as reached:
        return replace(draft, fallback="quota", fallback_detail=reached.detail)
    except llm.ModelFailed as failed:
        return replace(draft, fallback=failed.reason, fallback_detail=failed.detail)
    spend.add(tokens_in=said.tokens_in or 0, tokens_out=said.tokens_out or 0)
    draft = replace(
        draft, model=said.model, raw=said.text, tokens_in=said.tokens_in, tokens_out=said.tokens_out
    )
    try:
        sentences = read_answer(said.text)
    except Malformed as malformed:
        return replace(draft, fallback="malformed", fallback_detail=str(malformed))
    if not sentences:
        return replace(draft, fallback="not_answered", trust=_TRUST_WITHOUT_ANSWER)
    return _checked(draft, sentences, passages, language)


def _checked(
    draft: Draft, sentences: Sequence[Written], passages: Sequence[Passage], language: str
) -> Draft:
    kept: list[Sentence] = []
    dropped: list[Dropped] = []
    for sentence in sentences:
        checked = _supported(sentence, passages, language)
        if isinstance(checked, Sentence):
            kept.append(checked)
        else:
            dropped.append(checked)
    return replace(
        draft,
        sentences=tuple(kept),
        dropped=tuple(dropped),
        trust=len(kept) / len(sentences),
        fallback="" if kept else "unsupported",
    )


def _supported(sentence: Written, passages: Sequence[Passage], language: str) -> Sentence | Dropped:
    if any(not 1 <= number <= len(passages) for number in sentence.citations):
        return Dropped(sentence.text, "cites_no_passage")
    cited = [passages[number - 1] for number in sentence.citations]
    support = support_of(
        sentence.text,
        [passage.text for passage in cited],
        same_language=all(passage.language == language for passage in cited),
        language=language,
    )
    if support.reason:
        return Dropped(sentence.text, support.reason)
    citations = (cite(passage, span) for passage, span in zip(cited, support.spans, strict=True))
    return Sentence(sentence.text, tuple(citations))
