"""allauth's questions about second factors, answered for this product."""

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from controlplane.core import crypto
from controlplane.portal.context import brand_shown
from tenants.security.factors import may_do_without


class FactorAdapter(DefaultMFAAdapter):
    """Secrets are encrypted with the installation's keys; a factor that is needed stays."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This code is wrong, or too old. Take the newest one."),
        "cannot_delete_authenticator": gettext_lazy(
            "Your partner asks for a second factor. Set up another one before you take this away."
        ),
    }

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text)

    def get_totp_issuer(self) -> str:
        return brand_shown(context.request).brand_name

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        others = Authenticator.objects.filter(user=authenticator.user).exclude(pk=authenticator.pk)
        has_another = others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
        return has_another or may_do_without(authenticator.user)

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:
        return _("This device")

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """One passkey serves every tenant's host below the platform's, and a host of its own else.

        A name without a dot (localhost) may not be claimed by the hosts below it.
        """
        host = context.request.get_host().partition(":")[0]
        platform = settings.PLATFORM_HOST
        if "." in platform and host.endswith(f".{platform}"):
            host = platform
        return {"id": host, "name": brand_shown(context.request).brand_name}
