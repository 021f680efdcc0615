"""A small n8n on the loopback: webhooks, resume addresses, and the public API as far as we use it.

It keeps what it is given, notes every call, and can be told to refuse the next call of a kind, or
to drop the connection before or after it has acted.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
Answer = tuple[int, Any]
# What a real trigger or Wait node does when it is called: gets the body, gives a status.
Webhook = Callable[[Json], int]
NOTHING_THERE: Answer = (404, {"message": "Not Found"})


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    body: Any
    key: str


@dataclass
class Trouble:
    """For one call that fits: a status instead, or a connection that breaks off.

    `html` is answered as a proxy's page; `then` runs in the server before the call acts.
    """

    method: str
    path: str
    status: int = 0
    acts: bool = False
    html: str = ""
    hangs: float = 0.0
    then: Callable[[], object] | None = None

    def fits(self, call: Call) -> bool:
        return call.method == self.method and bool(re.search(self.path, call.path))


@dataclass
class FakeN8n:
    url: str = ""
    calls: list[Call] = field(default_factory=list)
    workflows: dict[str, Json] = field(default_factory=dict)
    credentials: dict[str, Json] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    executions: dict[str, str] = field(default_factory=dict)
    started: dict[str, str] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    runs_of: dict[str, str] = field(default_factory=dict)
    """By execution, its workflow, where it is not wf1."""
    data_of: dict[str, Json] = field(default_factory=dict)
    """By execution, what is kept of its run."""
    keeps: set[str] = field(default_factory=set)
    """Executions that it says it deleted, and did not."""
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    versions: int = 1

    def refuse(self, method: str, path: str, *, status: int = 500) -> None:
        """Answer the next call that fits with `status`, and do nothing."""
        self.troubles.append(Trouble(method, path, status=status))

    def break_off(self, method: str, path: str, *, after_effect: bool) -> None:
        """Close the connection of the next call that fits instead of answering it."""
        self.troubles.append(Trouble(method, path, acts=after_effect))

    def answer_html(self, method: str, path: str, *, status: int = 200) -> None:
        """Answer the next call that fits with a web page, as a proxy before it would."""
        self.troubles.append(Trouble(method, path, status=status, html="<h1>Please log in</h1>"))

    def hang(self, method: str, path: str, *, seconds: float) -> None:
        """Keep the next call that fits waiting, then break it off."""
        self.troubles.append(Trouble(method, path, hangs=seconds))

    def meanwhile(self, method: str, path: str, then: Callable[[], object]) -> None:
        """Have something happen just before the next call that fits acts."""
        self.troubles.append(Trouble(method, path, status=200, acts=True, then=then))

    def saved(self, workflow: Json, body: Json) -> None:
        """As when somebody saves it: a new version, which runs where it is published."""
        self.versions += 1
        workflow |= {**body, "versionId": f"v{self.versions}"}
        if workflow["active"]:
            workflow["activeVersionId"] = workflow["versionId"]

    def called(self, method: str, path: str) -> list[Call]:
        return [c for c in self.calls if c.method == method and re.search(path, c.path)]

    def answer(self, call: Call, query: dict[str, list[str]]) -> Answer:
        parts = call.path.strip("/").split("/")
        if parts[:2] != ["api", "v1"]:
            webhook = self.webhooks.get(call.path)
            return (webhook(call.body), {"message": "ok"}) if webhook else NOTHING_THERE
        resources = {
            "credentials": self._credentials, "executions": self._executions, "tags": self._tags,
            "workflows": self._workflows,
        }  # fmt: skip
        answer = resources[parts[2]](call, [call.method, *parts[3:]], query)
        return answer or NOTHING_THERE

    def _credentials(self, call: Call, route: list[str], query: object) -> Answer | None:
        match route:
            case ["GET"]:
                return 200, {"data": list(self.credentials.values()), "nextCursor": None}
            case ["POST"]:
                return self._add(self.credentials, "cred", call.body)
            case ["DELETE", found]:
                return self._take(self.credentials, found)
        return None

    def _workflows(
        self, call: Call, route: list[str], query: dict[str, list[str]]
    ) -> Answer | None:
        match route:
            case ["GET"]:
                wanted, tag = query.get("name", [""])[0], query.get("tags", [""])[0]
                found = [
                    w for w in self.workflows.values()
                    if wanted in w["name"] and (not tag or tag in {t["name"] for t in w["tags"]})
                ]  # fmt: skip
                return 200, {"data": found, "nextCursor": None}
            case ["POST"]:
                state = {"active": False, "versionId": "v1", "triggerCount": 0, "tags": []}
                return self._add(self.workflows, "wf", {**call.body, **state})
            case ["DELETE", found]:
                return self._take(self.workflows, found)
            case [_method, found, *_verb] if found not in self.workflows:
                return None
            case ["GET", found]:
                return 200, self.workflows[found]
            case ["POST", found, verb]:
                is_active = verb == "activate"
                published = self.workflows[found]["versionId"] if is_active else None
                self.workflows[found] |= {
                    "active": is_active,
                    "triggerCount": int(is_active),
                    "activeVersionId": published,
                }
                return 200, self.workflows[found]
            case ["PUT", found]:
                self.saved(self.workflows[found], call.body)
                return 200, self.workflows[found]
            case ["PUT", found, "tags"]:
                names = {tag_id: name for name, tag_id in self.tags.items()}
                tags = [{"id": tag["id"], "name": names[tag["id"]]} for tag in call.body]
                self.workflows[found]["tags"] = tags
                return 200, tags
        return None

    def _tags(self, call: Call, route: list[str], query: object) -> Answer | None:
        match route:
            case ["GET"]:
                return 200, {"data": [{"id": i, "name": n} for n, i in self.tags.items()]}
            case ["POST"]:
                self.tags[call.body["name"]] = tag_id = f"tag{len(self.tags) + 1}"
                return 201, {"id": tag_id, "name": call.body["name"]}
        return None

    def _executions(self, call: Call, route: list[str], query: object) -> Answer | None:
        match route:
            case ["GET"]:
                of, status = query.get("workflowId", [""])[0], query.get("status", [""])[0]
                return 200, {
                    "data": [
                        told for told in map(self._execution, self.executions)
                        if of in ("", told["workflowId"]) and self._is_listed(told, status)
                    ]
                }  # fmt: skip
            case ["POST", found, "stop"] if found in self.executions:
                self.executions[found] = "canceled"
                return 200, self._execution(found)
            case ["DELETE", found] if found in self.executions:
                told = self._execution(found)
                if found not in self.keeps:
                    del self.executions[found]
                return 200, told
            case ["GET", found] if found in self.executions:
                with_data = query.get("includeData", [""])[0] == "true"
                data = {"data": self.data_of.get(found)} if with_data else {}
                return 200, self._execution(found) | data
            case ["DELETE", found]:
                return NOTHING_THERE
        return None

    def _add(self, into: dict[str, Json], kind: str, body: Json) -> Answer:
        new = f"{kind}{len(self.calls)}"
        into[new] = {**body, "id": new}
        return 200, into[new]

    def _take(self, things: dict[str, Any], found: str) -> Answer:
        gone = things.pop(found, None)
        return NOTHING_THERE if gone is None else (200, gone)

    def _execution(self, found: str) -> Json:
        status = self.executions[found]
        of = self.runs_of.get(found, "wf1")
        told = {"id": found, "workflowId": of, "status": status, "mode": "webhook"}
        return told | {
            "startedAt": self.started.get(found),
            "stoppedAt": self.stopped.get(found),
        }

    def _is_listed(self, told: Json, status: str) -> bool:
        """Without a status the running ones are left out."""
        return told["status"] == status if status else told["status"] != "running"


@contextmanager
def running_fake_n8n() -> Iterator[FakeN8n]:
    """Serves until the block ends; a connection is answered in a thread of its own."""
    fake = FakeN8n()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            split = urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(text) if text else None
            call = Call(self.command, split.path, body, self.headers.get("X-N8N-API-KEY", ""))
            fake.calls.append(call)
            trouble = next((t for t in fake.troubles if t.fits(call)), None)
            if trouble is not None:
                fake.troubles.remove(trouble)
                if trouble.then is not None:
                    trouble.then()
                threading.Event().wait(trouble.hangs)
            if trouble is None or trouble.acts:
                status, answer = fake.answer(call, parse_qs(split.query))
            else:
                status, answer = trouble.status, {"message": "told to refuse"}
            if trouble is not None and not trouble.status:
                self.close_connection = True
                return
            page = trouble.html if trouble is not None else ""
            told = page.encode() if page else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if page else "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _handle  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
