"""What an outside system gave Pergola for a while: tokens, kept in the tenant's own cache.

The key carries the schema, the connection and its secrets, so that neither another tenant nor the
same connection with new secrets finds it; and it is encrypted under the tenant's data key, so that
it would not open there either.
"""

import json
from collections.abc import Callable, Mapping

from django.core.cache import cache
from django.utils.crypto import salted_hmac

from controlplane.connections.models import Connection
from controlplane.core.crypto import Undecryptable, decrypt, encrypt
from controlplane.core.redaction import remember


class Tokens:
    """Of one connection, in the entered tenant."""

    def __init__(self, connection: Connection, values: Mapping[str, str]) -> None:
        told = json.dumps([str(connection.pk), connection.kind, dict(values)], sort_keys=True)
        self._mark = salted_hmac("connections.tokens", told, algorithm="sha256").hexdigest()
        self._used: set[str] = set()

    def remembered(self, name: str, make: Callable[[], tuple[str, float]]) -> str:
        key = self._key(name)
        self._used.add(name)
        if sealed := cache.get(key):
            try:
                return decrypt(sealed)
            except Undecryptable:
                cache.delete(key)  # its data key is retired
        value, seconds = make()
        remember(value)
        cache.set(key, encrypt(value), max(1, int(seconds)))
        return value

    def forget(self) -> bool:
        """What was used is asked for anew. Whether there was any."""
        for name in self._used:
            cache.delete(self._key(name))
        return bool(self._used)

    def _key(self, name: str) -> str:
        return f"connections:{name}:{self._mark}"
