"""How senders prove who they are: a module for each scheme, with `verify(source, body, incoming)`.

Each raises SignatureInvalid (or TimestampOutsideWindow) and says what to look at; none says whether
a secret nearly fitted. Everything is compared in constant time, with each secret that is valid now.
"""

from controlplane.core.errors import DomainError


class SignatureInvalid(DomainError):
    code = "signature_invalid"
    status = 401
    title = "The signature does not fit"


class TimestampOutsideWindow(DomainError):
    code = "timestamp_outside_window"
    status = 401
    title = "The message is too old, or from the future"
