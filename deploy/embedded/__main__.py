"""`python -m deploy.embedded up|install|down|status|env`: the services of a developer's machine."""

import argparse
import shlex
import sys
from pathlib import Path

from deploy.embedded.errors import StartFailed
from deploy.embedded.stack import Stack

ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        stack = Stack(options.root)
        if options.command == "up":
            stack.start(n8n=not options.without_n8n, node_pack=options.node_pack)
            stack.reporter.note(f"Addresses and passwords: {stack.state.path}")
            stack.reporter.note("They run until `python -m deploy.embedded down`.")
        elif options.command == "install":
            with stack.reporter.step(f"Installing n8n {stack.n8n.version}") as step:
                stack.n8n.install(step=step)
        elif options.command == "down":
            stack.stop(everything=True)
        elif options.command == "status":
            return _print_status(stack)
        else:
            for key, value in sorted(stack.environment().items()):
                print(f"{key}={shlex.quote(value)}")
    except StartFailed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _print_status(stack: Stack) -> int:
    processes = stack.status()
    for name, process in processes.items():
        state = f"runs, PID {process.pid}, log {process.log}" if process else "does not run"
        print(f"{name:10} {state}")
    return 0 if all(processes.values()) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="folder whose var/ is used")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start PostgreSQL, Redis and n8n, and leave them running")
    up.add_argument("--without-n8n", action="store_true", help="PostgreSQL and Redis only")
    up.add_argument("--node-pack", type=Path, help="tarball of nodes to install into n8n")
    commands.add_parser("install", help="install n8n, which takes minutes the first time")
    commands.add_parser("down", help="stop what runs")
    commands.add_parser("status", help="say what runs; exit code 1 unless everything does")
    commands.add_parser("env", help="print the variables that the control plane reads")
    return parser


if __name__ == "__main__":
    sys.exit(main())
