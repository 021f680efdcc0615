"""Finds the thread that answers a rephrased question: StackFAQ, through the product's own path.

Each thread of Stack Exchange becomes a document of questions and answers: uploaded, read in the
limited process, approved by a person, searched in a tenant's schema of the embedded PostgreSQL.
Each of a thread's rephrasings asks; the score is the reciprocal rank of the right document (MRR).
Nothing is trained or fitted on the threads. The same again with thousands of foreign questions
beside them shows how it fares in a larger collection.
"""

import csv
import io
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.run import Report, need, percentile

ROOT = Path(__file__).resolve().parent.parent
SLUG = "bench"
RESULTS = 50
# A rephrasing that the authors of the set took out.
MISSING = "*"

Ranking = list[str]
"""Titles of documents, the best first, each once."""


def run(data: Path, report: Report) -> dict[str, Any]:
    threads = _threads(need(data / "support/stackfaq"))
    with _tenant():
        from controlplane.knowledge import embedding

        report.say(f"{len(threads)} threads; embedding model: {embedding.available()}")
        began = time.perf_counter()
        _learn(threads)
        report.say(f"read, approved and indexed in {time.perf_counter() - began:.1f} s")
        figures = _measure("StackFAQ", threads, report)
        _learn_others(_others(data / "support"))
        crowded = _measure("StackFAQ among foreign questions", threads, report)
    return {**figures, "crowded_mrr": crowded["stackfaq_mrr"]}


def _threads(folder: Path) -> list[dict[str, Any]]:
    return [
        thread
        for path in sorted(folder.glob("*.json"))
        for thread in json.loads(path.read_text(encoding="utf-8"))
    ]


def _measure(title: str, threads: list[dict[str, Any]], report: Report) -> dict[str, Any]:
    asked = [
        (question, _title(number, thread))
        for number, thread in enumerate(threads)
        for question in thread["rephr"]
        if question != MISSING
    ]
    rows, ours = [], {}
    for name, search in _searches().items():
        search(asked[0][0])
        ranks, seconds = [], []
        for question, wanted in asked:
            began = time.perf_counter()
            found = search(question)
            seconds.append(time.perf_counter() - began)
            ranks.append(found.index(wanted) + 1 if wanted in found else 0)
            report.row(
                measure=title, name=name, question=question, rank=ranks[-1], seconds=seconds[-1]
            )
        mrr = sum(1 / rank for rank in ranks if rank) / len(ranks)
        first = sum(rank == 1 for rank in ranks) / len(ranks)
        p95 = percentile(seconds, 95) * 1000
        rows.append([name, mrr, first, percentile(seconds, 50) * 1000, p95])
        ours = ours or {"stackfaq_mrr": round(mrr, 4), "p95_ms": round(p95, 1)}
    report.table(
        f"{title}: {len(asked)} questions", ["who", "MRR", "first", "p50 ms", "p95 ms"], rows
    )
    return ours


def _searches() -> dict[str, Callable[[str], Ranking]]:
    from controlplane.knowledge import embedding, retrieval
    from controlplane.knowledge.index import passage_index
    from controlplane.knowledge.index.port import Query
    from controlplane.knowledge.models import Chunk
    from tenants.context import current_schema

    def ours(question: str) -> Ranking:
        found = retrieval.search(question=question, limit=RESULTS)
        return _unique([passage.title for passage in found])

    def alone(*, words: bool) -> Callable[[str], Ranking]:
        def search(question: str) -> Ranking:
            vector = None if words else embedding.embed_one(question)
            query = Query(text=question if words else "", vector=vector, limit=RESULTS)
            hits = passage_index().search(current_schema(), query)
            chunks = Chunk.objects.select_related("version__document").in_bulk(
                [hit.chunk_id for hit in hits]
            )
            return _unique([chunks[hit.chunk_id].version.document.title for hit in hits])

        return search

    searches = {"Pergola": ours, "BM25 alone": alone(words=True)}
    if embedding.available():
        searches["vectors alone"] = alone(words=False)
    return {
        **searches,
        "PostgreSQL, every word": _full_text("plainto_tsquery('english', %(question)s)"),
        "PostgreSQL, any word": _full_text(
            "replace(plainto_tsquery('english', %(question)s)::text, '&', '|')::tsquery"
        ),
    }


def _full_text(query: str) -> Callable[[str], Ranking]:
    """PostgreSQL's own ranking, of the same passages with their headings."""
    from django.db import connection

    statement = (
        "SELECT d.title FROM knowledge_chunk c"  # noqa: S608  (constants only)
        " JOIN knowledge_documentversion v ON v.id = c.version_id AND v.status = 'approved'"
        " JOIN knowledge_document d ON d.id = v.document_id"
        f" CROSS JOIN (SELECT {query} AS q) asked"
        " WHERE to_tsvector('english', c.heading || ' ' || c.text) @@ q"
        " ORDER BY ts_rank(to_tsvector('english', c.heading || ' ' || c.text), q, 1) DESC, c.id"
        f" LIMIT {RESULTS}"
    )

    def search(question: str) -> Ranking:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"question": question})
            return _unique([row[0] for row in cursor.fetchall()])

    return search


def _unique(titles: Sequence[str]) -> Ranking:
    return list(dict.fromkeys(titles))


def _title(number: int, thread: dict[str, Any]) -> str:
    return f"{number}: {thread['question']}"


def _learn(threads: list[dict[str, Any]]) -> None:
    for number, thread in enumerate(threads):
        pairs = [(thread["question"], answer) for answer in thread["answer"]]
        _approved(_title(number, thread), pairs)


def _learn_others(others: dict[str, list[tuple[str, str]]]) -> None:
    for title, pairs in others.items():
        _approved(title, pairs)


def _others(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Questions of banks' customers and of a voice assistant's, each with its intent."""
    with need(folder / "banking77/train.csv").open(encoding="utf-8", newline="") as file:
        banking = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    clinc = json.loads(need(folder / "clinc150/train_val.json").read_text(encoding="utf-8"))
    return {
        source: [(text, intent.replace("_", " ")) for text, intent in pairs]
        for source, pairs in (("banking", banking[::5]), ("assistant", clinc["train"][::10]))
    }


def _approved(title: str, pairs: Sequence[tuple[str, str]]) -> None:
    from controlplane.core.actor import Actor, ActorKind
    from controlplane.knowledge.models import Collection
    from controlplane.knowledge.services import approval, collections, documents, reading

    person = Actor(ActorKind.MEMBER, "bench", "Bench", frozenset({approval.APPROVE}))
    collection = Collection.objects.first() or collections.create_collection(
        slug="bench", name="Bench", by=person
    )
    table = io.StringIO()
    csv.writer(table).writerows([("question", "answer"), *pairs])
    version = documents.add_document(
        collection=collection,
        chunks=[table.getvalue().encode()],
        filename="pairs.csv",
        title=title,
        by=person,
    )
    read = reading.read_version(version.pk)
    if read.status == read.Status.FAILED:
        raise AssertionError(f"{title}: {read.failure}")
    approval.approve_version(version_id=version.pk, by=person)


@contextmanager
def _tenant() -> Iterator[None]:
    """Inside a tenant of an embedded PostgreSQL of the bench's own, with no knowledge in it."""
    from deploy.embedded.progress import Silent
    from deploy.embedded.stack import Stack

    var = ROOT / "var" / "bench"
    (ROOT / "var" / "static").mkdir(parents=True, exist_ok=True)
    stack = Stack(ROOT, var=var, durable=False, reporter=Silent(), environ={})
    with stack:
        stack.start(n8n=False)
        os.environ.update(
            stack.environment(),
            DJANGO_SETTINGS_MODULE="controlplane.settings",
            DATABASE_POOL="false",
            LOG_LEVEL="ERROR",
            FILES_ROOT=str(var / "files"),
        )
        import django

        django.setup()
        from tenants.context import inside

        with inside(_empty_tenant()):
            yield


def _empty_tenant() -> Any:
    from django.core.management import call_command
    from django.db import connections

    from controlplane.core.actor import system
    from tenants.lookup import tenant_by_slug
    from tenants.models import Partner
    from tenants.provisioning import provision_tenant, start_tenant

    with io.StringIO() as unread:
        call_command("migrate_fleet", stdout=unread)
    partner, _new = Partner.objects.get_or_create(slug=SLUG, defaults={"name": "Bench"})
    provision_tenant(start_tenant(slug=SLUG, name="Bench", partner=partner), by=system("bench"))
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"TRUNCATE t_{SLUG}.knowledge_collection CASCADE")
    return tenant_by_slug(SLUG)
