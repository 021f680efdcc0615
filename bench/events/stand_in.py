"""`python -m bench.events.stand_in PORT API KEY`: does what a workflow does, and can be killed.

It claims what it is offered and has one effect for each event: an entry in the audit trail, under a
key that the event gives. What n8n does with a run that was killed, it does too: nothing.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


def main(port: int, api: str, key: str) -> None:
    client = httpx.Client(
        base_url=api, headers={"Authorization": f"Bearer {key}"}, timeout=10, trust_env=False
    )

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            offered: dict[str, Any] = json.loads(self.rfile.read(length))
            try:
                status = self._work(offered)
            except httpx.HTTPError:
                status = 500
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _work(self, offered: dict[str, Any]) -> int:
            claim = client.post(
                f"/api/v1/deliveries/{offered['delivery_id']}/claim",
                json={"token": offered["token"]},
            )
            if not claim.is_success:
                return 500
            event = claim.json()
            done = client.post(
                "/api/v1/operations/audit/record",
                json={
                    "action": "chaos.done", "subject_type": "event",
                    "subject_id": event["event_id"],
                },
                headers={"Idempotency-Key": f"chaos:{event['event_id']}"},
            )  # fmt: skip
            return 200 if done.is_success else 500

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Webhook).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
