"""Stand-ins for outside systems while a template is tried: they answer what a case wrote down.

No call leaves Pergola. Nobody sets one up by hand; the cases of a template bring them along.
"""

import json
from typing import Any
from urllib.parse import unquote

from django.utils.translation import gettext_lazy as _

from controlplane.connections.kinds.declaration import (
    ConnectionKind,
    Field,
    Incoming,
    Outgoing,
    Values,
)

# Written where an address is needed; a name that no resolver knows (RFC 6761).
_NOWHERE = "https://stand-in.invalid"


def _answer(request: Outgoing, values: Values) -> Incoming:
    """The first that fits method and path; where none does, what a system says to such a path."""
    path = unquote(request.path)
    for one in json.loads(values["answers"]):
        if one.get("method", "GET") == request.method and one.get("path") == path:
            return _incoming(int(one.get("status", 200)), one.get("body"))
    return _incoming(404, {"error": f"The case has no answer to {request.method} {path}."})


def _incoming(status: int, body: Any) -> Incoming:
    content = b"" if body is None else json.dumps(body).encode()
    return Incoming(status, {"content-type": "application/json"}, content)


STAND_IN = ConnectionKind(
    name="stand_in",
    label=_("Stand-in for an HTTP API"),
    description=_("Answers what a template’s case wrote down; no call leaves Pergola"),
    fields=(Field("answers", _("Answers"), default="[]", max_length=100_000),),
    base_url=lambda values: _NOWHERE,
    methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
    answer=_answer,
)
STAND_IN_MAIL = ConnectionKind(
    name="stand_in_mail",
    label=_("Stand-in for a mail server"),
    description=_("Takes mail of a template’s case and sends none"),
    fields=(Field("sender", _("Sender"), default="cases@example.com"),),
    base_url=lambda values: "smtp://stand-in.invalid:25",
    protocol="smtp",
    methods=(),
    answer=lambda request, values: Incoming(200),
)
