"""The isolation matrix's ledger: which doors were tried by whom, and what leaked.

A cell is one door × one caller (× one method, table or statement). Every module of this package
notes its cells here; the end of the run prints the count, and writes it to the file that
`ISOLATION_REPORT` names, for the bench.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Ledger:
    cells: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)

    def note(self, kind: str, cell: str, wrong: Iterable[str] = (), *, count: int = 1) -> None:
        """`count` cells of one kind of door; `wrong` says what was not refused."""
        self.cells[kind] += count
        self.leaks += [f"{kind}: {cell}: {what}" for what in wrong]

    def summary(self) -> dict[str, object]:
        return {
            "cells": self.cells.total(),
            "leaks": len(self.leaks),
            "by_kind": dict(sorted(self.cells.items())),
        }

    def write(self) -> None:
        if name := os.environ.get("ISOLATION_REPORT"):
            Path(name).write_text(json.dumps(self.summary() | {"leaked": self.leaks}))


LEDGER = Ledger()


class Cells:
    """The cells of one test: noted one by one, judged together at its end."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.wrong: list[str] = []
        self.count = 0

    def refused(self, cell: str, *wrong: str, count: int = 1) -> None:
        self.count += count
        self.wrong += [f"{cell}: {what}" for what in wrong]
        LEDGER.note(self.kind, cell, wrong, count=count)

    def assert_no_leak(self) -> None:
        assert self.count, "no cell was tried, which proves nothing"
        assert not self.wrong, "\n".join([f"{len(self.wrong)} leaks:", *self.wrong[:20]])
