"""`python -m deploy.demo [--once]`: start everything, send orders, show what happens."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from deploy.embedded.errors import StartFailed
from deploy.embedded.progress import Reporter
from deploy.embedded.stack import Stack
from deploy.n8n_nodes import build

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
    with reporter.step("Building the node pack") as step:
        tarball = build.pack()
        step.done(tarball.name)
    with Stack(ROOT, reporter=reporter) as stack:
        stack.start(node_pack=tarball)
        environment = stack.environment()
        os.environ.update(
            environment, LOG_LEVEL="WARNING", DJANGO_SETTINGS_MODULE="controlplane.settings"
        )

        import django

        django.setup()
        from deploy.demo import play, world
        from deploy.demo.processes import Pergola

        pergola = Pergola(stack.var, environment, reporter)
        try:
            world.prepare(reporter)
            pergola.start()
            places = world.build(reporter)
            reporter.note(f"Set up in {time.monotonic() - started:.0f} s")
            if once:
                return play.once(places, reporter, within=ONCE_SECONDS)
            play.live(places, reporter, environment)
        finally:
            pergola.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
