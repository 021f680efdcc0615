"""A Weaviate small enough to read: gRPC and REST as the client's own protobufs spell them.

It keeps objects per collection and tenant in memory, refuses what a multi-tenant collection
refuses (no tenant, an unknown one, an inactive one), and notes every request, so that a test can
say what went over the wire. Ranking is BM25 and cosine; a real server's differs in detail.
"""

import json
import math
import re
import struct
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from weaviate.proto.v1 import (
    base_pb2,
    batch_delete_pb2,
    batch_pb2,
    health_weaviate_pb2,
    properties_pb2,
    search_get_pb2,
    tenants_pb2,
    weaviate_pb2_grpc,
)

VERSION = "1.34.0"
_WORD = re.compile(r"[^\W_]+")


class Refused(Exception):
    """What the server says instead of an answer."""


@dataclass
class Stored:
    properties: dict[str, Any]
    vector: list[float]


@dataclass
class Call:
    """One request; `tenants` are all that it names, one entry for each object of a batch."""

    name: str
    collection: str
    tenants: list[str]
    message: Any


@dataclass
class FakeWeaviate:
    url: str = ""
    grpc_url: str = ""
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict)
    tenants: dict[str, dict[str, dict[str, Stored]]] = field(default_factory=dict)
    inactive: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    # Set by a test: this many of the next gRPC calls fail with the code.
    failures: list[grpc.StatusCode] = field(default_factory=list)
    rejected_objects: set[str] = field(default_factory=set)
    delay: float = 0

    def called(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.name == name]

    def objects_of(self, collection: str, tenant: str) -> dict[str, Stored]:
        """Raises Refused as a multi-tenant collection does."""
        if collection not in self.schemas:
            raise Refused(f"could not find class {collection} in schema")
        if not tenant:
            raise Refused(
                f"class {collection} has multi-tenancy enabled, but request was without tenant"
            )
        if tenant not in self.tenants[collection]:
            raise Refused(f'tenant not found: "{tenant}"')
        if tenant in self.inactive:
            raise Refused(f"tenant not active: '{tenant}'")
        return self.tenants[collection][tenant]

    def forget(self) -> None:
        self.schemas.clear()
        self.tenants.clear()
        self.calls.clear()


class _Servicer(weaviate_pb2_grpc.WeaviateServicer):
    def __init__(self, state: FakeWeaviate) -> None:
        self.state = state

    def _note(self, name: str, request: Any, tenants: list[str], context: Any) -> None:
        collection = getattr(request, "collection", "")
        self.state.calls.append(Call(name, collection, tenants, request))
        self.state.authorizations.update(
            value for key, value in context.invocation_metadata() if key == "authorization"
        )
        if self.state.delay:
            threading.Event().wait(self.state.delay)
        if self.state.failures:
            context.abort(self.state.failures.pop(0), "as the test asked")

    def Search(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("Search", request, [request.tenant], context)
        try:
            objects = self.state.objects_of(request.collection, request.tenant)
        except Refused as refused:
            context.abort(grpc.StatusCode.UNKNOWN, str(refused))
        kept = {
            key: stored
            for key, stored in objects.items()
            if not request.HasField("filters") or _passes(request.filters, stored.properties)
        }
        if request.HasField("bm25_search"):
            ranked = _by_bm25(kept, request.bm25_search)
        elif request.HasField("near_vector"):
            ranked = _by_cosine(kept, _floats(request.near_vector))
        else:
            ranked = [(key, 0.0) for key in kept]
        limit = request.limit or 10
        return search_get_pb2.SearchReply(
            results=[_result(key, kept[key], request, score) for key, score in ranked[:limit]]
        )

    def BatchObjects(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("BatchObjects", request, [o.tenant for o in request.objects], context)
        errors = []
        for index, thing in enumerate(request.objects):
            try:
                if thing.uuid in self.state.rejected_objects:
                    raise Refused("as the test asked")
                objects = self.state.objects_of(thing.collection, thing.tenant)
            except Refused as refused:
                errors.append(
                    batch_pb2.BatchObjectsReply.BatchError(index=index, error=str(refused))
                )
                continue
            objects[thing.uuid] = Stored(_properties(thing), _vector_of(thing))
        return batch_pb2.BatchObjectsReply(errors=errors)

    def BatchDelete(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("BatchDelete", request, [request.tenant], context)
        try:
            objects = self.state.objects_of(request.collection, request.tenant)
        except Refused as refused:
            context.abort(grpc.StatusCode.UNKNOWN, str(refused))
        gone = [
            key for key, stored in objects.items() if _passes(request.filters, stored.properties)
        ]
        for key in gone:
            del objects[key]
        return batch_delete_pb2.BatchDeleteReply(matches=len(gone), successful=len(gone))

    def TenantsGet(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("TenantsGet", request, [], context)
        wanted = set(request.names.values) if request.HasField("names") else None
        return tenants_pb2.TenantsGetReply(
            tenants=[
                tenants_pb2.Tenant(
                    name=name, activity_status=tenants_pb2.TENANT_ACTIVITY_STATUS_ACTIVE
                )
                for name in self.state.tenants.get(request.collection, {})
                if wanted is None or name in wanted
            ]
        )


def _result(key: str, stored: Stored, request: Any, score: float) -> Any:
    is_dense = request.HasField("near_vector")
    names = set(request.properties.non_ref_properties) or set(stored.properties)
    return search_get_pb2.SearchResult(
        properties=search_get_pb2.PropertiesResult(
            target_collection=request.collection,
            non_ref_props=properties_pb2.Properties(
                fields={
                    name: properties_pb2.Value(text_value=str(value))
                    for name, value in stored.properties.items()
                    if name in names
                }
            ),
        ),
        metadata=search_get_pb2.MetadataResult(
            id=key,
            id_as_bytes=uuid.UUID(key).bytes,
            score=0 if is_dense else score,
            score_present=not is_dense,
            distance=1 - score if is_dense else 0,
            distance_present=is_dense,
        ),
    )


def _passes(filters: Any, properties: dict[str, Any]) -> bool:
    kinds = base_pb2.Filters
    if filters.operator == kinds.OPERATOR_AND:
        return all(_passes(inner, properties) for inner in filters.filters)
    value = properties.get(filters.target.property)
    if filters.operator == kinds.OPERATOR_EQUAL:
        return bool(value == filters.value_text)
    if filters.operator == kinds.OPERATOR_CONTAINS_ANY:
        return value in filters.value_text_array.values
    raise AssertionError(f"the fake does not know this filter: {filters}")


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _by_bm25(objects: dict[str, Stored], search: Any) -> list[tuple[str, float]]:
    texts = {
        key: [word for name in _boosted(search) for word in _words(str(stored.properties[name]))]
        for key, stored in objects.items()
    }
    average = sum(map(len, texts.values())) / max(1, len(texts))
    found = {}
    for word in set(_words(search.query)):
        holders = {key: words.count(word) for key, words in texts.items() if word in words}
        idf = math.log(1 + (len(texts) - len(holders) + 0.5) / (len(holders) + 0.5))
        for key, count in holders.items():
            length = 0.25 + 0.75 * len(texts[key]) / average
            found[key] = found.get(key, 0.0) + idf * count * 2.2 / (count + 1.2 * length)
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def _boosted(search: Any) -> list[str]:
    """The properties to look in, each as often as its boost says: “heading^2”."""
    boosts = [entry.partition("^") for entry in search.properties or ["heading", "text"]]
    return [name for name, _mark, boost in boosts for _ in range(int(boost or 1))]


def _by_cosine(objects: dict[str, Stored], wanted: list[float]) -> list[tuple[str, float]]:
    found = [
        (key, _cosine(stored.vector, wanted)) for key, stored in objects.items() if stored.vector
    ]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _cosine(one: list[float], other: list[float]) -> float:
    if len(one) != len(other):
        raise AssertionError(f"vector lengths don't match: {len(one)} vs {len(other)}")
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / ((math.hypot(*one) * math.hypot(*other)) or 1)


def _unpacked(packed: bytes) -> list[float]:
    return list(struct.unpack(f"{len(packed) // 4}f", packed))


def _floats(near: Any) -> list[float]:
    return _unpacked(near.vectors[0].vector_bytes)


def _vector_of(thing: Any) -> list[float]:
    return _unpacked(thing.vectors[0].vector_bytes) if thing.vectors else []


def _properties(thing: Any) -> dict[str, Any]:
    plain = thing.properties.non_ref_properties
    return {name: plain[name] for name in plain}


def _health(request: Any, context: Any) -> Any:
    return health_weaviate_pb2.WeaviateHealthCheckResponse(
        status=health_weaviate_pb2.WeaviateHealthCheckResponse.SERVING
    )


class _Rest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FakeWeaviate

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read what was asked from `calls`."""

    def _answer(self, status: int, body: Any = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")

    def _carry_out(self) -> None:  # noqa: C901  (a table of addresses)
        state, body = self.state, self._body()
        if authorization := self.headers.get("authorization"):
            state.authorizations.add(authorization)
        state.calls.append(Call(f"{self.command} {self.path}", "", [], body))
        parts = self.path.partition("?")[0].strip("/").split("/")[1:]
        match self.command, parts:
            case "GET", ["meta"]:
                self._answer(200, {"version": VERSION, "modules": {}})
            case "GET", [".well-known", "ready" | "live"]:
                self._answer(200)
            case "GET", ["schema", name]:
                found = state.schemas.get(name)
                self._answer(200 if found else 404, found)
            case "POST", ["schema"]:
                if body["class"] in state.schemas:
                    self._answer(422, {"error": [{"message": "class already exists"}]})
                else:
                    state.schemas[body["class"]], state.tenants[body["class"]] = body, {}
                    self._answer(200, body)
            case "DELETE", ["schema", name]:
                state.schemas.pop(name, None)
                state.tenants.pop(name, None)
                self._answer(200)
            case "POST", ["schema", name, "tenants"]:
                for tenant in body:
                    state.tenants[name].setdefault(tenant["name"], {})
                self._answer(200, body)
            case "DELETE", ["schema", name, "tenants"]:
                for tenant in body:
                    state.tenants[name].pop(tenant, None)
                self._answer(200)
            case "GET", ["schema", name, "tenants", tenant]:
                known = tenant in state.tenants.get(name, {})
                status = "INACTIVE" if tenant in state.inactive else "ACTIVE"
                self._answer(200 if known else 404, {"name": tenant, "activityStatus": status})
            case _:
                self._answer(404, {"error": [{"message": f"the fake has no {self.path}"}]})

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _carry_out  # noqa: N815


@contextmanager
def running_fake_weaviate() -> Iterator[FakeWeaviate]:
    """On two ports of the loopback, as the real one: REST and gRPC."""
    state = FakeWeaviate()
    server = grpc.server(ThreadPoolExecutor(8))
    weaviate_pb2_grpc.add_WeaviateServicer_to_server(_Servicer(state), server)
    check = grpc.unary_unary_rpc_method_handler(
        _health,
        request_deserializer=health_weaviate_pb2.WeaviateHealthCheckRequest.FromString,
        response_serializer=health_weaviate_pb2.WeaviateHealthCheckResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    rest = ThreadingHTTPServer(("127.0.0.1", 0), type("Rest", (_Rest,), {"state": state}))
    rest.daemon_threads = True
    thread = threading.Thread(target=rest.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{rest.server_address[1]}"
    state.grpc_url = f"http://127.0.0.1:{port}"
    try:
        yield state
    finally:
        rest.shutdown()
        rest.server_close()
        thread.join()
        server.stop(0).wait()
