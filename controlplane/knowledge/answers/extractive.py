"""An answer in the documents' own words: one to three sentences of the best passages.

Of a pair of question and answer it is the answer that is quoted; of prose, a short section whole,
since an exception often follows the rule. Of a longer one it is the sentence that is nearest to the
question, with its neighbours where they speak of it too. All is from one passage, so that what is
quoted together was written together.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from controlplane.knowledge.answers.confidence import holds_what_is_asked
from controlplane.knowledge.answers.drafts import Draft, quoted
from controlplane.knowledge.answers.sentences import Span, split_sentences
from controlplane.knowledge.answers.terms import Rarity, rarity, terms_of
from controlplane.knowledge.retrieval import Passage

MOST_SENTENCES = 3
_LONGEST = 700
_SHORT = 400
_PASSAGES_READ = 3
_SENTENCES_EMBEDDED = 24
# A neighbour comes along from this share of the best sentence's score on.
_NEAR_THE_BEST = 0.6

Similarities = Callable[[Sequence[str]], Sequence[float]]
"""How near each text is to the question, -1 to 1."""


@dataclass(frozen=True)
class _Candidate:
    passage: int
    place: int
    span: Span
    score: float


def quote_answer(
    question: str,
    found: Sequence[Passage],
    *,
    pairs: Collection[object] = (),
    similarities: Similarities | None = None,
) -> Draft:
    """`pairs`: the versions that are lists of questions and answers. Empty where nothing fits."""
    if not found:
        return Draft()
    best = found[0]
    if best.version_id in pairs:
        return Draft(quoted(best, _beginning(best.text)))
    candidates = _scored(question, found, similarities)
    if not candidates:
        return Draft(quoted(best, _beginning(best.text)))
    first = max(candidates, key=lambda one: (one.score, -one.passage, -one.place))
    passage = found[first.passage]
    if _is_short(passage.text):
        return Draft(quoted(passage, _beginning(passage.text)))
    chosen = _with_neighbours(first, candidates)
    return Draft(quoted(passage, [one.span for one in chosen]))


def _is_short(text: str) -> bool:
    spans = split_sentences(text)
    asks = any(span.of(text).endswith("?") for span in spans)
    return len(text) <= _SHORT and len(spans) <= MOST_SENTENCES and not asks


def _beginning(text: str) -> list[Span]:
    spans = split_sentences(text)[:MOST_SENTENCES]
    return [span for span in spans if span.end <= _LONGEST] or spans[:1]


def _scored(
    question: str, found: Sequence[Passage], similarities: Similarities | None
) -> list[_Candidate]:
    read = found[:_PASSAGES_READ]
    language = read[0].language
    weights = rarity([terms_of(f"{each.heading} {each.text}", language) for each in found])
    asked = terms_of(question, language)
    places = [
        (number, place, span)
        for number, passage in enumerate(read)
        for place, span in enumerate(split_sentences(passage.text))
        if not span.of(passage.text).endswith("?")
    ]
    texts = [span.of(read[number].text) for number, _place, span in places]
    near = _padded(similarities, texts) if similarities else [0.0] * len(texts)
    return [
        _Candidate(
            passage=number,
            place=place,
            span=span,
            score=_score(question, asked, text, read[number].heading, weights, language)
            + 0.5 * similarity
            + 0.15 / (1 + number),
        )
        for (number, place, span), text, similarity in zip(places, texts, near, strict=True)
    ]


def _padded(similarities: Similarities, texts: Sequence[str]) -> list[float]:
    """The first ones only: a question waits for each."""
    near = list(similarities(texts[:_SENTENCES_EMBEDDED]))
    return near + [0.0] * (len(texts) - len(near))


def _score(
    question: str,
    asked: Sequence[str],
    text: str,
    heading: str,
    weights: Rarity,
    language: str,
) -> float:
    """Words that the question shares; those of the heading hold for every sentence under it."""
    words = terms_of(text, language)
    above = 0.3 * weights.covered(asked, terms_of(heading, language))
    bonus = 0.2 if holds_what_is_asked(question, text) else 0.0
    return weights.covered(asked, words) + above + (bonus if len(words) > 1 else -0.3)


def _with_neighbours(first: _Candidate, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Forwards, then backwards, while they are of one passage and speak of it too."""
    beside = {one.place: one for one in candidates if one.passage == first.passage}
    chosen = [first]
    for step in (1, -1):
        place = first.place + step
        while (one := beside.get(place)) and one.score >= _NEAR_THE_BEST * first.score:
            length = sum(each.span.end - each.span.start for each in (*chosen, one))
            if len(chosen) == MOST_SENTENCES or length > _LONGEST:
                break
            chosen.append(one)
            place += step
    return sorted(chosen, key=lambda one: one.place)
