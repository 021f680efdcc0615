from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "controlplane.portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        from allauth.mfa.models import Authenticator

        from controlplane.portal.identity import signals  # noqa: F401  (connects its receivers)
        from controlplane.vault.tokens import register_tokens

        register_tokens(Authenticator, "data")
