"""Where checkpoints are kept besides: out of reach of who has the database.

What was signed later covers what was signed before, so one that gets lost on the way is made good
by the next.
"""

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import rfc8785
from django.conf import settings

from controlplane.audit.models import Checkpoint
from controlplane.core import http


def send_checkpoint(number: int) -> None:
    """To AUDIT_SINK, where one is set. May be called again.

    Raises Checkpoint.DoesNotExist, and OSError or httpx.HTTPError where it cannot be reached.
    """
    checkpoint = Checkpoint.objects.get(pk=number)
    if not settings.AUDIT_SINK:
        return
    line = rfc8785.dumps(checkpoint.as_line())
    where = urlsplit(settings.AUDIT_SINK)
    if where.scheme == "file":
        _append(Path(url2pathname(where.path)) / f"{checkpoint.chain}.jsonl", line)
        return
    with http.client() as client:
        response = client.post(
            settings.AUDIT_SINK,
            content=line,
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": f"{checkpoint.chain}:{number}",
            },
        )
        response.raise_for_status()


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as sink:
        sink.write(line + b"\n")
