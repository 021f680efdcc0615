"""Outgoing HTTP: every call has a time-out, and retries wait longer each time, with jitter."""

import random
import ssl
from functools import cache

import httpx

TIMEOUT = httpx.Timeout(10.0, connect=3.0)


def backoff(attempt: int, *, base: float = 0.5, cap: float = 60.0) -> float:
    """Seconds to wait before try number `attempt` + 1: exponential with full jitter above half.

    Full jitter alone may retry at once; half of the step is kept so that a dead peer is left alone.
    Formula: "equal jitter", M. Brooker, Exponential Backoff and Jitter (AWS Architecture Blog).
    """
    step = min(cap, base * 2 ** min(attempt, 20))
    return float(step / 2) + random.uniform(0, step / 2)  # noqa: S311  (spreads load, guards nothing)


@cache
def authorities() -> ssl.SSLContext:
    """Whose certificates are believed. Read once: it takes longer than most calls do."""
    return httpx.create_ssl_context(trust_env=False)


def client(*, timeout: httpx.Timeout = TIMEOUT) -> httpx.Client:
    """A client that ignores proxies of the environment and follows no redirect to elsewhere."""
    return httpx.Client(
        timeout=timeout, follow_redirects=False, trust_env=False, verify=authorities()
    )
