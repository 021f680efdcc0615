"""Odoo and ERPNext."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from django.utils.translation import gettext_lazy as _

from controlplane.connections.kinds.authorities import AUTHORITY
from controlplane.connections.kinds.declaration import (
    ConnectionKind,
    Field,
    Incoming,
    Outgoing,
    Sender,
    Values,
)
from controlplane.core.errors import DomainError, FieldError

USER_ID_SECONDS = 3600.0
_JSON = ("Content-Type", "application/json")


class CallMalformed(DomainError):
    code = "connection_call_malformed"
    status = 422
    title = "The call cannot be made of this"


class LoginRefused(DomainError):
    code = "connection_login_refused"
    status = 502
    title = "The outside system does not let Pergola in"


def _rpc(values: Values, service: str, method: str, *arguments: Any) -> Outgoing:
    """Format: JSON-RPC 2.0 as Odoo's /jsonrpc takes it, "External API" in its documentation."""
    params = {"service": service, "method": method, "args": arguments}
    body = {"jsonrpc": "2.0", "method": "call", "params": params, "id": 1}
    return Outgoing(
        "POST", f"{values['url']}/jsonrpc", headers=(_JSON,), content=json.dumps(body).encode()
    )


def _user_id(values: Values, sender: Sender) -> int:
    def log_in() -> tuple[str, float]:
        given = values["database"], values["login"], values["api_key"]
        answer = _unwrapped(sender.send(_rpc(values, "common", "authenticate", *given, {})))
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = None
        if not answer.is_success or not isinstance(found, int) or isinstance(found, bool):
            raise LoginRefused(
                f"Odoo at {values['url']} does not know the login “{values['login']}” with this "
                f"API key in the database “{values['database']}”. Check the three."
            )
        return str(found), USER_ID_SECONDS

    return int(sender.remembered("uid", log_in))


def _steps(request: Outgoing) -> list[str]:
    """The model and the method that the path names."""
    return [unquote(step) for step in request.path.strip("/").split("/")]


def _execute(request: Outgoing, values: Values, sender: Sender) -> Outgoing:
    """`/res.partner/search_read` with `{"args": [...], "kwargs": {...}}` as the body."""
    steps = _steps(request)
    try:
        given = json.loads(request.content or b"{}")
        if request.method != "POST" or len(steps) != 2 or not isinstance(given, dict):
            raise ValueError
        arguments, named = given.get("args", []), given.get("kwargs", {})
        if {*given} - {"args", "kwargs"} or not isinstance(arguments, list):
            raise ValueError
        if not isinstance(named, dict):
            raise ValueError
    except ValueError:
        raise CallMalformed(
            "Odoo is called by POST to /<model>/<method>, such as /res.partner/search_read, with "
            'a body such as {"args": [[]], "kwargs": {"fields": ["name"]}}.',
            errors=(FieldError("path", "is /<model>/<method>"),),
        ) from None
    user = _user_id(values, sender)
    login = values["database"], user, values["api_key"]
    sent = _rpc(values, "object", "execute_kw", *login, *steps, arguments, named)
    return replace(sent, path=request.path, headers=(*request.headers, _JSON))


def _unwrapped(answer: Incoming) -> Incoming:
    """The result as the body; an error, which comes with status 200, as one of HTTP's."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return answer
    if not isinstance(found, dict) or not ({"result", "error"} & {*found}):
        return answer
    headers = {**answer.headers, "content-type": "application/json"}
    if "error" not in found:
        body = json.dumps(found["result"]).encode()
        return replace(answer, headers=headers, body=body)
    error = found["error"] if isinstance(found["error"], dict) else {}
    data = error.get("data")
    about: dict[str, Any] = data if isinstance(data, dict) else {}
    name = str(about.get("name", ""))
    denied = name.endswith(("AccessDenied", "AccessError"))
    told = {"error": name[:200], "message": str(about.get("message", error.get("message")))[:500]}
    return replace(
        answer, status=403 if denied else 422, headers=headers, body=json.dumps(told).encode()
    )


def _only_reads(method: str, path: str) -> bool:
    return (
        path.strip("/")
        .rpartition("/")[2]
        .startswith(("search", "read", "fields_get", "name_search", "name_get", "default_get"))
    )


_ODOO_URL = Field(
    "url",
    _("Address"),
    _("Where Odoo is opened, such as https://northwind.odoo.com"),
    type="url",
    is_destination=True,
)
_ODOO_KEY = Field(
    "api_key",
    _("API key"),
    _("In Odoo under My Profile, Account Security, New API Key"),
    type="secret",
)
ODOO = ConnectionKind(
    name="odoo",
    label=_("Odoo up to version 18"),
    description=_("By JSON-RPC: the path is /<model>/<method>, the body has args and kwargs"),
    fields=(
        _ODOO_URL,
        Field("database", _("Database"), _("Its name; Odoo’s own hosting names it as the host")),
        Field("login", _("Login"), _("Of the user that Pergola acts as, often an e-mail address")),
        _ODOO_KEY,
        AUTHORITY,
    ),
    base_url=lambda values: values["url"],
    sign=_execute,
    read=_unwrapped,
    reads=_only_reads,
    check=lambda values: Outgoing(
        "POST",
        f"{values['url']}/jsonrpc",
        path="/res.users/fields_get",
        content=b'{"args": [["id"]], "kwargs": {"attributes": ["type"]}}',
    ),
    has_tokens=True,
    methods=("POST",),
)


def _named(request: Outgoing, values: Values, sender: Sender) -> Outgoing:
    """`/res.partner/search_read` with the method's parameters by name, and `ids` and `context`."""
    try:
        given = json.loads(request.content or b"{}")
    except ValueError:
        given = None
    if request.method != "POST" or len(_steps(request)) != 2 or not isinstance(given, dict):
        raise CallMalformed(
            "Odoo is called by POST to /<model>/<method>, such as /res.partner/search_read, with "
            'the parameters by their names, such as {"domain": [], "fields": ["name"]}.',
            errors=(FieldError("path", "is /<model>/<method>"),),
        )
    database = values.get("database", "")
    return replace(request, content=request.content or b"{}").with_headers(
        _JSON,
        *((("X-Odoo-Database", database),) if database else ()),
        ("Authorization", f"bearer {values['api_key']}"),
    )


def _without_traceback(answer: Incoming) -> Incoming:
    """An error of Odoo's says in `debug` how its own code was called."""
    try:
        found = json.loads(answer.body) if not answer.is_success else None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not {"name", "message"} <= {*found}:
        return answer
    told = {"error": str(found.get("name"))[:200], "message": str(found.get("message"))[:500]}
    return replace(answer, body=json.dumps(told).encode())


# Format: "External JSON-2 API" in Odoo's documentation, since version 19.
ODOO_JSON2 = ConnectionKind(
    name="odoo_json2",
    label=_("Odoo from version 19"),
    description=_("By its JSON-2 API: the path is /<model>/<method>, the body names parameters"),
    fields=(
        _ODOO_URL,
        Field(
            "database",
            _("Database"),
            _("Only where one server has several"),
            is_required=False,
        ),
        _ODOO_KEY,
        AUTHORITY,
    ),
    base_url=lambda values: f"{values['url']}/json/2",
    sign=_named,
    read=_without_traceback,
    reads=_only_reads,
    check=lambda values: Outgoing(
        "POST", f"{values['url']}/json/2/res.users/context_get", path="/res.users/context_get"
    ),
    methods=("POST",),
)


def _by_token(request: Outgoing, values: Values, sender: Sender) -> Outgoing:
    token = f"token {values['api_key']}:{values['api_secret']}"
    return request.with_headers(("Authorization", token))


ERPNEXT = ConnectionKind(
    name="erpnext",
    label="ERPNext",
    description=_("And what else runs on Frappe, by its REST API"),
    fields=(
        Field(
            "url",
            _("Address"),
            _("Where ERPNext is opened, such as https://northwind.erpnext.com"),
            type="url",
            is_destination=True,
        ),
        Field(
            "api_key",
            _("API key"),
            _("Of the user that Pergola acts as: in ERPNext under User, Settings, API Access"),
            type="secret",
        ),
        Field("api_secret", _("API secret"), _("Shown there once"), type="secret"),
        AUTHORITY,
    ),
    base_url=lambda values: values["url"],
    sign=_by_token,
    check=lambda values: Outgoing("GET", f"{values['url']}/api/method/frappe.auth.get_logged_user"),
    methods=("GET", "POST", "PUT"),
)
