"""`python -m bench.run NAME`: run one bench, print its tables, end with one line of JSON.

A bench is a module `bench/<name>.py` with `run(data: Path, report: Report) -> dict`: it reads
its files below `data`, says what it finds through `report`, and returns the figures. Every raw
row lands in bench/results/<name>.csv, so that a figure can be checked afterwards.
"""

import argparse
import csv
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent
DATA = BENCH.parent.parent / "shared" / "data"


class DataMissing(Exception):
    """A folder or file that the bench reads is not there; the text is for the person."""


class Report:
    """Where a bench puts its rows, tables and sentences."""

    def __init__(self, name: str, results: Path = BENCH / "results") -> None:
        self.path = results / f"{name}.csv"
        self._rows: list[dict[str, Any]] = []

    def row(self, **values: Any) -> None:
        """One raw row for the CSV file; rows may have different columns."""
        self._rows.append(values)

    def say(self, text: str) -> None:
        print(text, flush=True)

    def table(self, title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table in Markdown, numbers to the right."""
        cells = [[_cell(value) for value in row] for row in rows]
        widths = [
            max(len(name), 3, *(len(row[column]) for row in cells)) if cells else max(len(name), 3)
            for column, name in enumerate(header)
        ]
        numeric = [
            bool(rows) and all(isinstance(row[column], int | float) for row in rows)
            for column in range(len(header))
        ]
        self.say(f"\n{title}\n")
        self.say(_line([name.ljust(width) for name, width in zip(header, widths, strict=True)]))
        self.say(
            _line(
                [
                    "-" * (width - 1) + ":" if right else "-" * width
                    for width, right in zip(widths, numeric, strict=True)
                ]
            )
        )
        for row in cells:
            self.say(
                _line(
                    [
                        text.rjust(width) if right else text.ljust(width)
                        for text, width, right in zip(row, widths, numeric, strict=True)
                    ]
                )
            )

    def race(
        self, title: str, runners: Mapping[str, Callable[[], object]], *, rounds: int = 5
    ) -> dict[str, float]:
        """The median seconds of each runner, measured in alternation; the first one is ours.

        Alternation spreads what else the machine does over everybody. One unmeasured round
        first, unless a runner takes seconds.
        """
        taken: dict[str, list[float]] = {name: [] for name in runners}
        warm = {name: _seconds(runner) for name, runner in runners.items()}
        for number in range(rounds):
            # Every second round runs backwards, so that nobody always goes first.
            order = list(runners) if number % 2 == 0 else list(runners)[::-1]
            for name in order:
                seconds = _seconds(runners[name])
                taken[name].append(seconds)
                self.row(measure=title, name=name, round=number, seconds=seconds)
        medians = {name: statistics.median(values) for name, values in taken.items()}
        ours = next(iter(medians.values()))
        self.table(
            f"{title} (median of {rounds}, in alternation)",
            ["who", "median s", "fastest s", "slowest s", "first s", "times ours"],
            [
                [name, medians[name], min(values), max(values), warm[name], medians[name] / ours]
                for name, values in taken.items()
            ],
        )
        return medians

    def write(self) -> None:
        """The raw rows as CSV, with every column that any row has."""
        if not self._rows:
            return
        columns = list(dict.fromkeys(key for row in self._rows for key in row))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self._rows)


def need(path: Path) -> Path:
    """`path`, which has to exist. Raises DataMissing."""
    if not path.exists():
        raise DataMissing(f"{path} is not there. Give the folder with the data by --data PATH.")
    return path


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile, e.g. 95 for the p95."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[min(int(rank), len(ordered)) - 1]


def _seconds(runner: Callable[[], object]) -> float:
    began = time.perf_counter()
    runner()
    return time.perf_counter() - began


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _names() -> list[str]:
    """Every module with a `run` for the frame; the others hold what a bench needs."""
    return sorted(
        path.stem
        for path in BENCH.glob("*.py")
        if "\ndef run(data: Path" in path.read_text(encoding="utf-8")
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("name", help=f"one of: {', '.join(_names())}")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with the data")
    options = parser.parse_args(arguments)
    if options.name not in _names():
        print(f"There is no bench {options.name!r}. There are: {', '.join(_names())}.")
        return 1
    report = Report(options.name)
    try:
        bench = import_module(f"bench.{options.name}")
        if getattr(bench, "NEEDS_DATA", True):
            need(options.data)
        figures = bench.run(options.data.resolve(), report)
    except DataMissing as missing:
        print(f"Nothing was measured: {missing}")
        return 1
    finally:
        report.write()
    print()
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    # `python -m bench.run` is `__main__`; the benches import `bench.run`, and must meet the same
    # classes there.
    from bench.run import main as run_main

    sys.exit(run_main())
