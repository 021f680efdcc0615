"""Any system with an HTTP API, by how it lets callers in."""

import json
from dataclasses import replace
from urllib.parse import urlencode

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
from controlplane.connections.kinds.shops import basic
from controlplane.connections.kinds.suites import LoginRefused

# A token is given up this long before it ends, so that none ends on the way.
LEEWAY = 30.0
# Of an authorization server that does not say how long a token is good.
UNSAID = 300.0
LONGEST = 24 * 3600.0

_URL = Field(
    "url",
    _("Address"),
    _("What every path is under, such as https://api.example.com/v2"),
    type="url",
    is_destination=True,
)
_HEALTH = Field(
    "health_path",
    _("Path to check"),
    _("Asked by GET to see whether the system works, such as /me; empty: /"),
    is_required=False,
    pattern=r"/[A-Za-z0-9._~/\-]*",
)


def _url(values: Values) -> str:
    return values["url"]


def _check(values: Values) -> Outgoing:
    return Outgoing("GET", values["url"] + values.get("health_path", "/"))


def _fault(values: Values, answer: Incoming) -> str:
    """Where no path to check is named, the root may well be nothing."""
    if answer.status in {401, 403}:
        return f"it does not let Pergola in: it answers {answer.status}"
    if answer.is_success or (not values.get("health_path") and answer.status in {404, 405}):
        return ""
    return f"it answers {answer.status}"


OPEN = ConnectionKind(
    name="rest",
    label=_("REST without log-in"),
    description=_("An HTTP API that is open to everybody"),
    fields=(_URL, _HEALTH, AUTHORITY),
    base_url=_url,
    check=_check,
    fault=_fault,
)


def _by_key(request: Outgoing, values: Values, sender: Sender) -> Outgoing:
    if values["place"] == "query":
        others = (pair for pair in request.query if pair[0] != values["key_name"])
        return replace(request, query=(*others, (values["key_name"], values["api_key"])))
    return request.with_headers(
        (values["key_name"], f"{values.get('prefix', '')} {values['api_key']}".strip())
    )


KEY = ConnectionKind(
    name="rest_key",
    label=_("REST with an API key"),
    description=_("An HTTP API that wants a key in a header or in the query"),
    fields=(
        _URL,
        Field(
            "place",
            _("Where the key goes"),
            type="choice",
            choices=(("header", _("In a header")), ("query", _("In the query"))),
            default="header",
        ),
        Field(
            "key_name",
            _("Name of the header or parameter"),
            _("Such as X-Api-Key, or Authorization with the word Bearer below"),
            default="X-Api-Key",
            pattern=r"(?!(?:[Hh]ost|[Cc]ontent-.*|[Tt]ransfer-.*|[Cc]onnection)\b)[A-Za-z0-9_\-]{1,60}",
        ),
        Field(
            "prefix",
            _("Word before the key"),
            _("Such as Bearer; only in a header"),
            is_required=False,
            pattern=r"[A-Za-z0-9_\-]{1,20}",
        ),
        Field("api_key", _("API key"), type="secret", max_length=4000),
        _HEALTH,
        AUTHORITY,
    ),
    base_url=_url,
    sign=_by_key,
    check=_check,
    fault=_fault,
)
BASIC = ConnectionKind(
    name="rest_basic",
    label=_("REST with user and password"),
    description=_("An HTTP API with basic authentication"),
    fields=(
        _URL,
        Field("username", _("User"), pattern=r"[^:]+"),
        Field("password", _("Password"), type="secret"),
        _HEALTH,
        AUTHORITY,
    ),
    base_url=_url,
    sign=lambda request, values, sender: request.with_headers(
        basic(values["username"], values["password"])
    ),
    check=_check,
    fault=_fault,
)


def _by_client_credentials(request: Outgoing, values: Values, sender: Sender) -> Outgoing:
    def fetch() -> tuple[str, float]:
        return _token(values, sender)

    return request.with_headers(("Authorization", f"Bearer {sender.remembered('token', fetch)}"))


def _token(values: Values, sender: Sender) -> tuple[str, float]:
    """An access token and the seconds for which it may be kept. RFC 6749, section 4.4.

    Raises LoginRefused.
    """
    given = {"grant_type": "client_credentials"}
    given |= {name: values[name] for name in ("scope", "audience") if values.get(name)}
    headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Accept", "application/json"),
    ]
    if values["client_place"] == "body":
        given |= {"client_id": values["client_id"], "client_secret": values["client_secret"]}
    else:
        headers.append(basic(values["client_id"], values["client_secret"]))
    answer = sender.send(
        Outgoing(
            "POST",
            values["token_url"],
            headers=tuple(headers),
            content=urlencode(given).encode(),
        )
    )
    try:
        told = json.loads(answer.body)
        told = told if isinstance(told, dict) else {}
    except ValueError:
        told = {}
    token, kind = told.get("access_token"), str(told.get("token_type", "bearer"))
    if not answer.is_success or not isinstance(token, str) or not token.isprintable() or not token:
        # Its own short word for it, such as invalid_client; nothing longer is repeated.
        why = str(told.get("error", ""))[:60]
        raise LoginRefused(
            f"{values['token_url']} gives no token: it answers {answer.status}"
            f"{f' ({why})' if why.isidentifier() else ''}. Check the client's ID, secret and scope."
        )
    if kind.lower() != "bearer":
        raise LoginRefused(f"{values['token_url']} gives a token that is not a bearer's.")
    lifetime = told.get("expires_in", UNSAID)
    try:
        seconds = float(lifetime)
    except (TypeError, ValueError):
        seconds = UNSAID
    seconds = min(seconds, LONGEST) if seconds > 0 else UNSAID  # not a number is not above 0
    return token, seconds - min(LEEWAY, seconds / 2)


OAUTH2 = ConnectionKind(
    name="rest_oauth2",
    label=_("REST with OAuth 2"),
    description=_("An HTTP API with OAuth 2 client credentials; tokens are fetched and renewed"),
    fields=(
        _URL,
        Field(
            "token_url",
            _("Address of tokens"),
            _("Such as https://login.example.com/oauth2/token"),
            type="url",
            is_destination=True,
        ),
        Field("client_id", _("Client ID")),
        Field("client_secret", _("Client secret"), type="secret", max_length=1000),
        Field(
            "client_place",
            _("How the client says who it is"),
            type="choice",
            choices=(("header", _("By basic authentication")), ("body", _("In the body"))),
            default="header",
        ),
        Field("scope", _("Scope"), _("Words with spaces between, as agreed"), is_required=False),
        Field("audience", _("Audience"), _("Where the server asks for one"), is_required=False),
        _HEALTH,
        AUTHORITY,
    ),
    base_url=_url,
    sign=_by_client_credentials,
    check=_check,
    fault=_fault,
    has_tokens=True,
)
