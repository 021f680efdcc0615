"""The report of a chaos run, as it is committed."""

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Told:
    figures: dict[str, int]
    kills: dict[str, int]
    refused: int
    exceptions: dict[str, int]
    sending_seconds: int
    seconds: int
    n8n: str


def write_report(path: Path, told: Told) -> None:
    figures = told.figures
    kills = "\n".join(f"| {name} | {count} |" for name, count in sorted(told.kills.items()))
    exceptions = (
        ", ".join(f"{count} `{kind}`" for kind, count in sorted(told.exceptions.items())) or "none"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"""# Events while everything is killed

Written by `make bench NAME=chaos`, which says how it is done, on {datetime.now(UTC):%Y-%m-%d} at \
commit `{_commit()}`, with n8n {told.n8n} (`legacy` expression engine) on {_machine()}.

| | |
|---|---:|
| events | {figures["events"]} |
| deliveries of them, 1 to 5 each | {figures["deliveries"]} |
| answered with an error, and sent again | {told.refused} |
| kills | {figures["kills"]} |
| **lost** | **{figures["lost"]}** |
| **done twice** | **{figures["duplicated"]}** |

| killed | times |
|---|---:|
{kills}

Sending took {told.sending_seconds} s under kills, the whole run {told.seconds} s. An event counts \
once the sender, which keeps a ledger of its own, was answered with 2xx; an effect is an entry in \
the audit trail that a workflow in n8n wrote by an operation with an `Idempotency-Key`.

Exceptions that Pergola opened, each tried again until its event was handled: {exceptions}.
""",
        encoding="utf-8",
    )


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=False, capture_output=True,  # noqa: S607
        text=True,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}"
