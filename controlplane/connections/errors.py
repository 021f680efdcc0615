"""What goes wrong between Pergola and an outside system. Each says whether something was sent."""

from typing import Self

from controlplane.connections.models import Connection
from controlplane.core.errors import DomainError


class OutsideError(DomainError):
    """The outside system's fault, or of the way to it; it becomes the connection's last error."""

    status = 502


class AddressRefused(OutsideError):
    code = "connection_address_refused"
    status = 422
    title = "Pergola does not call this address"

    @classmethod
    def of(cls, connection: Connection, why: str) -> Self:
        return cls(
            f"“{connection.name}” cannot be reached: {why}. Connections lead to the public "
            "internet; a host of the installation's own network is allowed by its operator alone "
            "(CONNECTION_PRIVATE_HOSTS). Nothing was sent."
        )


class ConnectionUnreachable(OutsideError):
    code = "connection_unreachable"
    title = "The outside system is not reached"

    @classmethod
    def of(cls, connection: Connection, why: str, *, sent: bool) -> Self:
        return cls(f"“{connection.name}” at {connection.base_url} failed: {why}. {_outcome(sent)}")


class TimeIsUp(OutsideError):
    code = "connection_time_is_up"
    status = 504
    title = "The outside system takes too long"

    @classmethod
    def of(cls, connection: Connection, seconds: float, *, sent: bool) -> Self:
        return cls(
            f"“{connection.name}” at {connection.base_url} did not answer within {seconds:.0f} s. "
            f"{_outcome(sent)}"
        )


class AnswerUnusable(OutsideError):
    code = "connection_answer_unusable"
    title = "The outside system's answer cannot be used"

    @classmethod
    def of(cls, connection: Connection, why: str) -> Self:
        return cls(
            f"“{connection.name}” answered, and the answer cannot be used: {why}. Ask for less at "
            "a time, or check the path; the call itself may have had its effect."
        )


class RedirectRefused(OutsideError):
    code = "connection_redirect_refused"
    title = "The outside system sends elsewhere"

    @classmethod
    def of(cls, connection: Connection, target: str, why: str) -> Self:
        return cls(
            f"“{connection.name}” sends the call on to {target[:200]}, which is not followed: "
            f"{why}. Set up the connection with the address that answers itself."
        )


class CallRejected(OutsideError):
    code = "connection_call_rejected"
    title = "The outside system refused the call"


def _outcome(sent: bool) -> str:
    return (
        "The call may have had its effect; look there before it is made again."
        if sent
        else "Nothing was sent, so it may be tried again."
    )
