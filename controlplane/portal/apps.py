from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "controlplane.portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        from controlplane.portal.identity import signals  # noqa: F401  (connects its receivers)
