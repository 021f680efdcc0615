"""The frame of the benches, and how the official unit cases are read."""

import csv
import json
from pathlib import Path

import pytest

from bench import run
from bench.run import Report
from bench.unit_cases import read_cases


def test_without_data_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["invoices", "--data", str(tmp_path / "gone")]) == 1

    assert "gone is not there" in capsys.readouterr().out


def test_a_part_that_is_missing_is_a_sentence_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.invoices.warm_up", lambda: None)

    assert run.main(["invoices", "--data", str(tmp_path)]) == 1

    assert "en16931" in capsys.readouterr().out


def test_a_bench_that_reads_nothing_needs_no_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.provisioning.run", lambda data, report: {"spare_ratio": 2})

    assert run.main(["provisioning", "--data", str(tmp_path / "gone")]) == 0

    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"spare_ratio": 2}


def test_an_unknown_name_lists_the_benches(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["nonsense"]) == 1

    assert "invoices" in capsys.readouterr().out


def test_the_last_line_is_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.invoices.run", lambda data, report: {"unit_cases": 3})

    assert run.main(["invoices", "--data", str(tmp_path)]) == 0

    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"unit_cases": 3}


def test_a_race_measures_everybody_and_keeps_the_rows(tmp_path: Path) -> None:
    report = Report("race", tmp_path)
    calls: list[str] = []

    medians = report.race(
        "Nothing", {"ours": lambda: calls.append("o"), "peer": lambda: calls.append("p")}, rounds=3
    )
    report.row(extra="column")
    report.write()

    assert "".join(calls) == "opoppoop"
    assert set(medians) == {"ours", "peer"}
    rows = list(csv.DictReader((tmp_path / "race.csv").read_text().splitlines()))
    assert len(rows) == 7
    assert rows[-1]["extra"] == "column"


def test_percentiles_are_values_that_were_measured() -> None:
    assert run.percentile([3, 1, 2, 4], 50) == 2
    assert run.percentile([3, 1, 2, 4], 95) == 4
    assert run.percentile([7], 99) == 7


TEST_SET = """<testSet xmlns="http://difi.no/xsd/vefa/validator/1.0">
  <assert><scope>R-1 R-2</scope><scope>R-3</scope></assert>
  <test><assert><description>x</description><error number="2">R-1</error><warning>R-2</warning>
    </assert><Invoice xmlns="urn:i"><a/></Invoice></test>
  <test id="2"><assert><success>R-1</success></assert><Invoice xmlns="urn:i"/></test>
</testSet>"""


def test_a_unit_case_is_met_by_exactly_its_rules(tmp_path: Path) -> None:
    path = tmp_path / "case.xml"
    path.write_text(TEST_SET)

    broken, kept = read_cases(path)

    two = [("R-1", "fatal")] * 2 + [("R-2", "warning")]
    assert broken.misses(two) == []
    assert broken.misses([*two, ("R-9", "fatal")]) == []
    assert broken.misses([*two, ("R-3", "fatal")]) == ["fatal R-3: not expected"]
    assert broken.misses(two[1:]) == ["fatal R-1: 1 times instead of 2"]
    assert broken.misses(two[:2]) == ["warning R-2: 0 times instead of 1"]
    assert kept.misses([]) == []
    assert kept.misses([("R-1", "fatal")]) == ["fatal R-1: not expected"]
    assert kept.document == b'<Invoice xmlns="urn:i"/>'
