from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "controlplane.api"
    verbose_name = "API"

    def ready(self) -> None:
        from controlplane.api import openapi  # noqa: F401  (registers its extensions)
