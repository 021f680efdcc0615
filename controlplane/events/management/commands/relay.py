"""`manage.py relay`: send what waits in the outbox, as soon as it is committed."""

import signal
import threading
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from django.core.management import BaseCommand
from django.db import close_old_connections, connection, connections

from controlplane.core.logs import get_logger
from controlplane.events import outbox

log = get_logger(__name__)


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
    """Until `stop` is set, or, with `drain`, until nothing is due."""
    log.info("relay.started", threads=threads)
    with ThreadPoolExecutor(threads, thread_name_prefix="relay") as pool, _Bell() as bell:
        while not stop.is_set():
            close_old_connections()
            messages = outbox.claim(limit=threads * 4)
            list(pool.map(_carry_out, messages))
            if not messages:
                if drain:
                    return
                bell.wait(seconds=0.5)


def _carry_out(message: outbox.Claimed) -> None:
    try:
        outbox.carry_out(message)
    finally:
        connections.close_all()


class _Bell:
    """Rings when a transaction that wrote to the outbox commits (LISTEN/NOTIFY)."""

    def __enter__(self) -> "_Bell":
        settings = connection.settings_dict
        self._connection = psycopg.connect(
            host=settings["HOST"],
            port=settings["PORT"] or None,
            dbname=settings["NAME"],
            user=settings["USER"],
            password=settings["PASSWORD"],
            autocommit=True,
        )
        self._connection.execute(f"LISTEN {outbox.CHANNEL}")
        return self

    def __exit__(self, *exc: Any) -> None:
        self._connection.close()

    def wait(self, *, seconds: float) -> None:
        for _notification in self._connection.notifies(timeout=seconds, stop_after=1):
            return
