"""Setting up connections, calling through them, and seeing whether they work."""

from controlplane.connections.services.calling import (
    CallResult,
    ConnectionBusy,
    ConnectionPaused,
    ProtocolOther,
    SecretsUnreadable,
    call,
)
from controlplane.connections.services.changing import (
    ConnectionExists,
    ConnectionInUse,
    ConnectionUnknown,
    LimitsInvalid,
    SecretsNeeded,
    change_connection,
    create_connection,
    get_connection,
    remove_connection,
    stand_in,
)
from controlplane.connections.services.checking import check_connection, check_due, enqueue_due
from controlplane.connections.services.files import (
    ContentMalformed,
    ContentTooLarge,
    list_files,
    put_file,
    send_mail,
)

__all__ = [
    "CallResult", "ConnectionBusy", "ConnectionExists", "ConnectionInUse", "ConnectionPaused",
    "ConnectionUnknown", "ContentMalformed", "ContentTooLarge", "LimitsInvalid", "ProtocolOther",
    "SecretsNeeded", "SecretsUnreadable", "call", "change_connection", "check_connection",
    "check_due", "create_connection", "enqueue_due", "get_connection", "list_files", "put_file",
    "remove_connection", "send_mail", "stand_in",
]  # fmt: skip
