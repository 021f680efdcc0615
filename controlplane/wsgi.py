"""The WSGI entry: `granian --interface wsgi controlplane.wsgi:application`."""

import gc
import os
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from tenants.limits.gate import Gate

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "controlplane.settings")


def _gated() -> "Gate":
    django = get_wsgi_application()
    # Only now: it imports models.
    from tenants.limits.gate import Gate

    return Gate(django, threads=settings.WEB_THREADS, spare=settings.WEB_SPARE_THREADS)


def _settle_memory() -> None:
    """What was loaded by now stays until the process ends: the collector need not look at it again
    and again. A request makes some thousand objects that go with it, so it looks less often too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


application = _gated()
_settle_memory()
