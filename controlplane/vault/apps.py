from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VaultConfig(AppConfig):
    name = "controlplane.vault"
    verbose_name = _("Data keys")

    def ready(self) -> None:
        from controlplane.core import crypto
        from controlplane.vault import rings

        crypto.use_keys(rings.ring_of)
