"""The one error of all limits: 429, what was used up, and when there is more."""

from controlplane.core.errors import DomainError


class LimitReached(DomainError):
    status = 429
    title = "A limit of this tenant is reached"

    def __init__(self, detail: str, *, code: str, retry_after: int) -> None:
        """`retry_after` in seconds, at least 1."""
        super().__init__(detail)
        self.code = code
        self.retry_after = max(1, retry_after)
