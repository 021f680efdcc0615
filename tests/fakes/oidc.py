"""A small OpenID Connect provider on the loopback: discovery, codes, signed tokens, keys, userinfo.

It checks what a real one checks: client, secret, redirect address, PKCE, and that a code is used
once. What it says of the person, tests set.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KID = "key-1"


@dataclass
class FakeProvider:
    """`claims` is what it says of whoever logs in; `overrides` replaces what the ID token says."""

    url: str
    client_id: str = "pergola"
    client_secret: str = "s3cret"
    claims: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    signs_with_another_key: bool = False
    email_in_userinfo_only: bool = False
    userinfo_sub: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    key: Any = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )

    def log_in(self, address: str) -> str:
        """What the person's browser does there: the address it is sent back to."""
        parts = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert f"{parts.scheme}://{parts.netloc}" == self.url
        assert query["client_id"] == self.client_id
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert set(query["scope"].split()) == {"openid", "profile", "email"}
        self.asked.append(query)
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> dict[str, Any] | None:
        query = self.codes.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            query is None
            or form.get("client_id") != self.client_id
            or form.get("client_secret") != self.client_secret
            or form.get("redirect_uri") != query["redirect_uri"]
            or base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != query["code_challenge"]
        ):
            return None
        access = secrets.token_urlsafe(16)
        self.tokens[access] = self.claims
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 60,
            "id_token": self.id_token(query["nonce"]),
        }

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": self.client_id, "iat": now, "exp": now + 60}
        claims |= {"nonce": nonce, **self.claims, **self.overrides}
        if self.email_in_userinfo_only:
            claims = {key: value for key, value in claims.items() if not key.startswith("email")}
        key = self.key
        if self.signs_with_another_key:
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": KID})

    def answer(self, path: str, authorization: str) -> dict[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                **self.discovery,
            }
        if path == "/keys":
            public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
            return {"keys": [{**public, "kid": KID, "alg": "RS256", "use": "sig"}]}
        claims = self.tokens.get(authorization.removeprefix("Bearer "))
        if path == "/userinfo" and claims is not None:
            return {**claims, **({"sub": self.userinfo_sub} if self.userinfo_sub else {})}
        return None


@contextmanager
def running_fake_provider() -> Iterator[FakeProvider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = fake.answer(self.path, self.headers.get("Authorization", ""))
            self._send(404 if found is None else 200, found or {"error": "not_found"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            found = fake.token(form) if self.path == "/token" else None
            self._send(400 if found is None else 200, found or {"error": "invalid_grant"})

        def _send(self, status: int, answer: dict[str, Any]) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake = FakeProvider(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
