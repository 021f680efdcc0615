from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConnectionsConfig(AppConfig):
    name = "controlplane.connections"
    verbose_name = _("Connections")

    def ready(self) -> None:
        from controlplane.connections import copied, dropdowns

        copied.declare_all()
        dropdowns.register()
