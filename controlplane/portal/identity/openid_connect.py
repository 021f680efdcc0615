"""allauth's OpenID Connect client, stricter: nonce, PKCE and the signature at every log-in."""

import hashlib
import secrets
from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialLogin, SocialToken
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest, HttpResponse

from tenants.models import SingleSignOn

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]
LEEWAY_SECONDS = 60
NONCE = "nonce"


class PartnerClient(OpenIDConnectOAuth2Adapter):
    """Talks to the provider of one partner."""

    @property
    def openid_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().openid_config
        issuer = self.sign_on.issuer
        if str(config.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
            raise OAuth2Error(f"the provider calls itself another than {issuer}")
        return config

    @property
    def sign_on(self) -> SingleSignOn:
        sign_on: SingleSignOn = self.get_provider().app.sign_on
        return sign_on

    def complete_login(
        self, request: HttpRequest, app: Any, token: SocialToken, **kwargs: Any
    ) -> SocialLogin:
        claims = self._claims(kwargs["response"].get("id_token") or "")
        if "email" not in claims:
            told = self._fetch_user_info(token.token)
            if told.get("sub") != claims["sub"]:
                raise OAuth2Error("the provider told of another person than it named")
            claims = {**told, **claims}
        login = self.get_provider().sociallogin_from_response(request, claims)
        login.claims = claims
        return login

    def _claims(self, id_token: str) -> dict[str, Any]:
        """What the ID token says. Raises OAuth2Error unless all of it holds."""
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
        try:
            keys = jwt.PyJWKSet.from_dict(answer.json())
            kid = jwt.get_unverified_header(id_token).get("kid")
            key = keys[kid] if kid else keys.keys[0]
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key,
                algorithms=ALGORITHMS,
                audience=self.sign_on.client_id,
                issuer=self.openid_config["issuer"],
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "sub", "aud"]},
            )
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise OAuth2Error(f"the ID token does not hold: {error}") from error
        if claims.get("azp", self.sign_on.client_id) != self.sign_on.client_id:
            raise OAuth2Error("the ID token was given to another client")
        return claims


class PartnerProvider(OpenIDConnectProvider):
    """One partner's provider, as allauth sees it."""

    oauth2_adapter_class = PartnerClient

    def redirect(
        self, request: HttpRequest, process: str, next_url: Any = None, data: Any = None, **_: Any
    ) -> HttpResponse:
        """To the provider; what the address asks of scopes and parameters is not passed on."""
        nonce = secrets.token_urlsafe(32)
        return super().redirect(  # type: ignore[no-any-return]
            request,
            AuthProcess.LOGIN,
            next_url,
            data={NONCE: nonce},
            scope=self.get_default_scope(),
            auth_params={NONCE: nonce},
        )

    def extract_uid(self, data: dict[str, Any]) -> str:
        """The same number at another issuer is another person."""
        return hashlib.sha256(f"{data['iss']}\n{data['sub']}".encode()).hexdigest()

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"iss": data["iss"], "sub": data["sub"]}
