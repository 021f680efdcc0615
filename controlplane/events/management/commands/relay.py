"""`manage.py relay`: send what waits in the outbox, as soon as it is committed."""

import signal
import threading
import time
from argparse import ArgumentParser
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, LiteralString

import psycopg
from django.core.management import BaseCommand
from django.db import OperationalError, connection, connections

from controlplane.core.logs import get_logger
from controlplane.events import outbox

log = get_logger(__name__)

RECONNECT_SECONDS = 2
# A handler that takes less is called in batches, for as long as one tenant may keep a thread.
QUICK_SECONDS = 0.002
TURN_SECONDS = 0.5
LARGEST_BATCH = 500


class Command(BaseCommand):
    help = "Relay the outbox to n8n. Run one or more; each message is taken by one of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, default=8, help="calls at the same time")
        parser.add_argument("--drain", action="store_true", help="stop when nothing is due")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
        relay(stop=stop, threads=options["threads"], drain=options["drain"])


def relay(*, stop: threading.Event, threads: int = 8, drain: bool = False) -> None:
    """Until `stop` is set, or, with `drain`, until nothing is due. Outlives its database."""
    log.info("relay.started", threads=threads)
    while not stop.is_set():
        try:
            # The bell outlasts the threads: it says that what they have in hand is held.
            with _Bell() as bell, ThreadPoolExecutor(threads, thread_name_prefix="relay") as pool:
                bell.tell_that_we_relay()
                _keep_busy(pool, bell, stop=stop, threads=threads, drain=drain)
            return
        except (OperationalError, psycopg.OperationalError) as error:
            log.warning("relay.database_lost", why=str(error).strip())
            connections.close_all()
            stop.wait(RECONNECT_SECONDS)


def _keep_busy(
    pool: ThreadPoolExecutor, bell: "_Bell", *, stop: threading.Event, threads: int, drain: bool
) -> None:
    """Claim only what a free thread can begin now, and leave threads to the other tenants.

    A webhook may take its time on purpose, and each try of each of its messages takes a thread.
    """
    share = max(1, threads // 4)
    running: dict[Future[None], str] = {}
    while not stop.is_set():
        running = {future: schema for future, schema in running.items() if not future.done()}
        if len(running) == threads:
            wait(running, timeout=1, return_when=FIRST_COMPLETED)
            continue
        in_hand = Counter(running.values())
        free = threads - len(running)
        messages = outbox.claim(limit=free, in_hand=in_hand, share=share)
        running |= {pool.submit(_carry_out, found): found.schema_name for found in messages}
        if not messages:
            if drain and not running:
                return
            if share in in_hand.values():
                # Perhaps more of that tenant's is due, of which no bell will ring.
                wait(running, timeout=0.1, return_when=FIRST_COMPLETED)
                continue
            bell.wait(seconds=0.05 if drain else 0.5)
        elif len(messages) < free and share not in Counter(running.values()).values():
            # That was all; looking again at once would only take time from the threads.
            bell.wait(seconds=0.05 if drain else 0.5)


def _carry_out(message: outbox.Claimed) -> None:
    """One message, and while that goes quickly more like it, in growing batches, for a while.

    A handler that only writes to the database is then bound by the database; one that calls n8n
    takes its time and stays with one message a call.
    """
    try:
        started = time.monotonic()
        each, size = outbox.carry_out_all([message]), 1
        while each < QUICK_SECONDS and time.monotonic() - started < TURN_SECONDS:
            size = min(size * 8, LARGEST_BATCH)
            found = outbox.claim_like(message, size)
            if not found:
                break
            each = outbox.carry_out_all(found) / len(found)
    except Exception:  # nobody asks the future; the row comes back when its claim has run out
        log.exception("relay.not_settled", handler=message.handler, schema=message.schema_name)
    finally:
        connections.close_all()


class _Bell:
    """Rings when a transaction that wrote to the outbox commits (LISTEN/NOTIFY).

    Its session tells the other relays that this one lives: it goes when the process dies.
    """

    def __enter__(self) -> "_Bell":
        # As Django connects, but outside its pool: a listener is held for good.
        parameters = {**connection.get_connection_params(), "autocommit": True}
        self._connection = psycopg.connect(**parameters)
        self._connection.execute(f"LISTEN {outbox.CHANNEL}")
        return self

    def __exit__(self, *exc: Any) -> None:
        self._connection.close()

    def tell_that_we_relay(self) -> None:
        """What is held while nobody relays is a dead relay's: it need not run out first."""
        (is_only,) = self._ask("SELECT pg_try_advisory_lock(hashtext(%s), 0)")
        if is_only and (found := outbox.let_go()):
            log.warning("relay.took_over", messages=found)
        # Waits at most for another relay that has just come, and does the same.
        self._ask("SELECT pg_advisory_lock_shared(hashtext(%s), 0)")
        if is_only:
            self._ask("SELECT pg_advisory_unlock(hashtext(%s), 0)")

    def _ask(self, question: LiteralString) -> Any:
        return self._connection.execute(question, [outbox.CHANNEL]).fetchone()

    def wait(self, *, seconds: float) -> None:
        for _notification in self._connection.notifies(timeout=seconds, stop_after=1):
            return
