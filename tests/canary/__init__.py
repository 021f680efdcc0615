"""Looks for known secrets in everything that is kept: databases, Redis, logs and files.

    known = secrets_of_this_installation()
    found = find_secrets(known, Places(databases=[owner_url], redis=[redis_url], folders=[var]))
    print(len(found))

`secrets_found(...)` is the number alone, for a bench.
"""

from tests.canary.known import Known, secrets_of_this_installation
from tests.canary.scan import Finding, Places, find_secrets, secrets_found

__all__ = [
    "Finding",
    "Known",
    "Places",
    "find_secrets",
    "secrets_found",
    "secrets_of_this_installation",
]
