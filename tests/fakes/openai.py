"""A server that speaks OpenAI's chat completions on the loopback, and says what a test tells it.

It refuses what the real one refuses (no key, no messages, an unknown role), counts tokens by
words, and keeps every request as it came over the wire.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
# What the model says: a text, or a function that makes one from the request's body.
Said = str | Callable[[Json], str]


@dataclass
class Reply:
    """One answer. With a `status` of 400 or more `said` is the error's message."""

    said: Said = ""
    status: int = 200
    delay: float = 0
    pace: float = 0  # seconds between one byte and the next
    refusal: str | None = None
    finish_reason: str = "stop"
    raw: bytes | None = None


@dataclass
class FakeOpenAI:
    """`replies` are given in turn; the last one again and again."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    requests: list[Json] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    other_calls: list[str] = field(default_factory=list)

    def will_say(self, *said: Said | Reply) -> None:
        self.replies = [one if isinstance(one, Reply) else Reply(one) for one in said]

    def text_of(self, number: int = -1) -> str:
        """Everything that one request told the model."""
        return "\n".join(message["content"] for message in self.requests[number]["messages"])


def _error(message: str, kind: str) -> Json:
    return {"error": {"message": message, "type": kind, "param": None, "code": kind}}


def _fault_of(body: Json) -> str:
    messages = body.get("messages")
    if not body.get("model"):
        return "you must provide a model parameter"
    if not isinstance(messages, list) or not messages:
        return "Invalid 'messages': empty array."
    if unknown := {message.get("role") for message in messages} - {"system", "user", "assistant"}:
        return f"Invalid value: {unknown}. Supported values are: 'system', 'assistant', 'user'."
    return ""


def _completion(body: Json, reply: Reply) -> Json:
    said = reply.said(body) if callable(reply.said) else reply.said
    sent = sum(len(str(message["content"]).split()) for message in body["messages"])
    message = {"role": "assistant", "content": said, "refusal": reply.refusal}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": f"{body['model']}-2026-01-01",
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": reply.finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": sent,
            "completion_tokens": len(said.split()),
            "total_tokens": sent + len(said.split()),
        },
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FakeOpenAI

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read what was asked from `requests`."""

    def _answer(self, status: int, content: bytes, pace: float = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for piece in (content[at : at + 1] for at in range(len(content))) if pace else [content]:
            self.wfile.write(piece)
            time.sleep(pace)

    def do_POST(self) -> None:
        state = self.state
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != "/v1/chat/completions":
            state.other_calls.append(self.path)
            self._answer(404, json.dumps(_error("Unknown request URL", "invalid")).encode())
            return
        body = json.loads(content)
        state.requests.append(body)
        state.keys.append(self.headers.get("Authorization", ""))
        if not self.headers.get("Authorization", "").startswith("Bearer "):
            self._answer(401, json.dumps(_error("You didn't provide an API key.", "key")).encode())
            return
        if fault := _fault_of(body):
            kind = "invalid_request_error"
            self._answer(400, json.dumps(_error(fault, kind)).encode())
            return
        reply = state.replies.pop(0) if len(state.replies) > 1 else state.replies[0]
        time.sleep(reply.delay)
        if reply.raw is not None:
            self._answer(reply.status, reply.raw)
        elif reply.status >= 400:
            self._answer(reply.status, json.dumps(_error(str(reply.said), "server")).encode())
        else:
            self._answer(200, json.dumps(_completion(body, reply)).encode(), reply.pace)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that no longer waits hangs up; that is what some tests are about."""


@contextmanager
def running_fake_openai() -> Iterator[FakeOpenAI]:
    state = FakeOpenAI()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
