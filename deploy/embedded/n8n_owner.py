"""The API key of the owner of an n8n that we started ourselves.

n8n has no public way to make the first key: this is the one place that logs in as its editor
does. An n8n that is not ours is given to us together with a key.
"""

import json
import secrets
import urllib.error
import urllib.request
from typing import Any

from deploy.embedded.errors import StartFailed


def key_is_valid(url: str, key: str) -> bool:
    """Whether n8n's public API accepts the key."""
    request = urllib.request.Request(  # noqa: S310 - n8n's address is ours
        f"{url}/api/v1/workflows?limit=1", headers={"X-N8N-API-KEY": key}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return bool(response.status == 200)
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            return False
        raise StartFailed(f"n8n at {url} answered {error.code} to its own API key.") from error


def has_owner(url: str) -> bool:
    """Whether somebody has set up the owner, which n8n asks its first visitor to do."""
    settings, _ = _call(f"{url}/rest/settings", None, {})
    return not settings["userManagement"]["showSetupOnFirstLoad"]


def set_up_owner(url: str, *, email: str, password: str) -> None:
    """Be n8n's first visitor."""
    person = {"email": email, "password": password, "firstName": "Pergola", "lastName": "Operator"}
    _call(f"{url}/rest/owner/setup", person, {"browser-id": secrets.token_hex(16)})


def create_key(url: str, *, email: str, password: str) -> str:
    """Log in as the owner and make a key that may do everything; it does not expire."""
    # n8n ties the session to this header.
    session = {"browser-id": secrets.token_hex(16)}
    _, cookie = _call(
        f"{url}/rest/login", {"emailOrLdapLoginId": email, "password": password}, session
    )
    session["Cookie"] = cookie.partition(";")[0]
    scopes, _ = _call(f"{url}/rest/api-keys/scopes", None, session)
    label = f"Pergola {secrets.token_hex(4)}"
    made, _ = _call(
        f"{url}/rest/api-keys",
        {"label": label, "scopes": scopes, "expiresAt": None},
        session,
    )
    return str(made["rawApiKey"])


def _call(url: str, body: object, headers: dict[str, str]) -> tuple[Any, str]:
    request = urllib.request.Request(  # noqa: S310 - n8n's address is ours
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            answer = json.loads(response.read())
            return answer["data"], response.headers.get("Set-Cookie", "")
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")[:500]
        raise StartFailed(f"n8n answered {error.code} at {url}: {text}") from error
    except OSError as error:
        raise StartFailed(f"n8n did not answer at {url}: {error}") from error
