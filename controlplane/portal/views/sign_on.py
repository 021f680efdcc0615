"""To a partner's identity provider and back."""

import uuid
from typing import Any

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from controlplane.portal.doors import in_language_of_tenant
from controlplane.portal.identity.openid_connect import PartnerClient


def _step(flow: Any) -> Any:
    @require_GET
    @never_cache
    @in_language_of_tenant
    def view(request: HttpRequest, provider_id: uuid.UUID) -> HttpResponse:
        client = PartnerClient(request, str(provider_id))
        try:
            provider = client.get_provider()
        except SocialApp.DoesNotExist as error:
            raise Http404 from error
        try:
            answer: HttpResponse = flow.adapter_view(client)(request)
            return answer
        except (requests.RequestException, OAuth2Error, KeyError) as error:
            # allauth tells of these itself on the way back, but not on the way there.
            try:
                get_adapter().on_authentication_error(request, provider, exception=error)
            except ImmediateHttpResponse as told:
                return told.response
            raise

    return view


leave = _step(OAuth2LoginView)
come_back = _step(OAuth2CallbackView)


@require_GET
@in_language_of_tenant
def cancelled(request: HttpRequest) -> HttpResponse:
    messages.info(request, _("You did not log in there. Choose another way, or try again."))
    return redirect("account_login")
