"""What of a tenant's connections goes to its sandbox: nothing."""

from tenants.environments.rules import Never, declare


def declare_all() -> None:
    declare(
        "connections.Connection",
        Never("a trial must not reach production's systems: a sandbox connects to its own"),
    )
