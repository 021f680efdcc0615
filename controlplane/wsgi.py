"""The WSGI entry: `granian --interface wsgi controlplane.wsgi:application`."""

import os
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from tenants.limits.gate import Gate

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "controlplane.settings")


def _gated() -> "Gate":
    django = get_wsgi_application()
    # Only now: it imports models.
    from tenants.limits.gate import Gate

    return Gate(django)


application = _gated()
