"""`python -m deploy.demo [--once]`: start everything, send things, show what happens."""

import argparse
import signal
import sys
import time
from pathlib import Path

from deploy.demo.running import running
from deploy.embedded.errors import StartFailed
from deploy.embedded.progress import Reporter
from deploy.embedded.stack import Stack

ROOT = Path(__file__).parents[2]
ONCE_SECONDS = 120


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="decide, check, and stop")
    once = parser.parse_args().once
    # A `kill` ends it as Ctrl-C does, so that nothing is left behind; and Ctrl-C does so too where
    # a shell started this in the background and had it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    reporter = Reporter()
    try:
        return _run(reporter, once=once)
    except StartFailed as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0 if not once else 130


def _run(reporter: Reporter, *, once: bool) -> int:
    started = time.monotonic()
    with running(Stack(ROOT, reporter=reporter), reporter) as demo:
        from deploy.demo import play  # needs Django, which is set up by now

        reporter.note(f"Set up in {time.monotonic() - started:.0f} s")
        if once:
            return play.once(demo.places, reporter, within=ONCE_SECONDS)
        play.live(demo.places, reporter, demo.environment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
