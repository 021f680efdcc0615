"""The replay window: a signed time that is too far from ours is refused."""

import re

from django.conf import settings
from django.utils import timezone

from controlplane.events.verification import SignatureInvalid, TimestampOutsideWindow

_SECONDS = re.compile(r"[0-9]{1,12}")


def assert_recent(text: str, *, header: str) -> None:
    """`text` is what the sender signed: whole seconds since 1970.

    Raises SignatureInvalid for what is no time, TimestampOutsideWindow.
    """
    if not _SECONDS.fullmatch(text):
        raise SignatureInvalid(
            f"The header {header} has to hold the time of sending, in whole seconds since 1970."
        )
    tolerance = settings.INTAKE_TOLERANCE_SECONDS
    apart = timezone.now().timestamp() - int(text)
    if abs(apart) > tolerance:
        how = "old" if apart > 0 else "ahead of our clock"
        raise TimestampOutsideWindow(
            f"The message is {abs(apart):.0f} s {how}; up to {tolerance} s are taken. Check the "
            "sender's clock. To send something again, sign it anew and keep its ID."
        )
