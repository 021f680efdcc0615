"""The official rules on invoices that keep them, and on the same ones broken on purpose."""

import os
import threading
import time
from pathlib import Path

import pytest

from controlplane.invoices import rules
from controlplane.invoices.rules import engine, validate
from controlplane.invoices.rules.engine import Engine
from controlplane.invoices.rules.sets import choose
from controlplane.invoices.rules.worker import findings, readable

DATA = Path(__file__).resolve().parents[3] / "data" / "invoices"
UBL = (DATA / "xrechnung-ubl.xml").read_bytes()
CII = (DATA / "xrechnung-cii.xml").read_bytes()
PROFILE = b"urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"


def ids(validation: rules.Validation) -> set[str]:
    return {finding.rule_id for finding in validation.findings}


@pytest.mark.parametrize(
    ("name", "rule_set"),
    [
        ("xrechnung-ubl.xml", "EN 16931 (UBL) 1.3.16"),
        ("credit-note-ubl.xml", "EN 16931 (UBL) 1.3.16"),
        ("xrechnung-cii.xml", "EN 16931 (CII, Factur-X) 1.09.2"),
    ],
)
def test_official_examples_break_no_rule(name: str, rule_set: str) -> None:
    validation = validate((DATA / name).read_bytes())

    assert validation.findings == ()
    assert validation.is_valid
    assert str(validation.rule_set) == rule_set


@pytest.mark.parametrize(
    ("old", "new", "rule_id"),
    [
        (b"<cbc:ID>0000123456</cbc:ID>", b"", "BR-02"),
        (b"<cbc:IssueDate>2017-12-11</cbc:IssueDate>", b"", "BR-03"),
        (b">380<", b">999<", "BR-CL-01"),
        (b">EUR</cbc:DocumentC", b">EUX</cbc:DocumentC", "BR-CL-04"),
        (b'EUR">10686.2</cbc:Payable', b'EUR">10686.3</cbc:Payable', "BR-CO-16"),
    ],
)
def test_a_broken_rule_is_named_with_its_official_id(old: bytes, new: bytes, rule_id: str) -> None:
    assert old in UBL

    validation = validate(UBL.replace(old, new, 1), "ubl")

    assert rule_id in ids(validation)
    assert not validation.is_valid


def test_a_finding_says_where_and_why() -> None:
    broken = UBL.replace(b'EUR">2986</cbc:PriceAmount>', b'EUR">-2986</cbc:PriceAmount>')
    assert broken != UBL

    validation = validate(broken, "ubl")

    (finding,) = [finding for finding in validation.findings if finding.rule_id == "BR-27"]
    assert finding.severity == "fatal"
    assert finding.element == "Invoice/InvoiceLine[2]"
    assert finding.message.startswith("The Item net price (BT-146)")
    assert finding.terms == ("BT-146",)


def test_a_warning_does_not_make_an_invoice_invalid() -> None:
    changed = UBL.replace(
        b"<cbc:BuyerReference>",
        b"<cbc:LineCountNumeric>4</cbc:LineCountNumeric><cbc:BuyerReference>",
    )
    assert changed != UBL

    validation = validate(changed, "ubl")

    assert [finding.severity for finding in validation.findings] == ["warning"]
    assert (validation.errors, validation.warnings) == (0, 1)
    assert validation.is_valid


def test_rules_hold_for_cii_under_the_same_ids() -> None:
    amount = b"<ram:DuePayableAmount>10555.3"
    assert amount in CII

    validation = validate(CII.replace(amount, b"<ram:DuePayableAmount>10555.4"), "cii")

    assert "BR-CO-16" in ids(validation)


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        (b"urn:factur-x.eu:1p0:minimum", "Factur-X MINIMUM"),
        (b"urn:factur-x.eu:1p0:basicwl", "Factur-X BASIC WL"),
        (b"urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic", "Factur-X BASIC"),
        (b"urn:cen.eu:en16931:2017", "EN 16931 (CII, Factur-X)"),
    ],
)
def test_the_profile_that_a_document_names_decides(profile: bytes, name: str) -> None:
    validation = validate(CII.replace(PROFILE, profile))

    assert validation.rule_set.name == name
    assert validation.rule_set.version.startswith("1.09")


def test_zugferd_1_has_no_official_rules() -> None:
    old = b'<r:CrossIndustryDocument xmlns:r="urn:ferd:CrossIndustryDocument:invoice:1p0"/>'

    validation = validate(old)

    assert ids(validation) == {"PERGOLA-NO-RULES"}
    assert not validation.is_valid


@pytest.mark.parametrize(
    ("document", "rule_id"),
    [
        (
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
            "PERGOLA-XML-DOCTYPE",
        ),
        (b"<a>", "PERGOLA-XML-MALFORMED"),
        (b"<a/>", "PERGOLA-NOT-AN-INVOICE"),
    ],
)
def test_what_cannot_be_checked_is_not_valid(document: bytes, rule_id: str) -> None:
    validation = validate(document)

    assert ids(validation) == {rule_id}
    assert not validation.is_valid


def test_the_rules_are_compiled_once() -> None:
    rules.warm_up("ubl")
    process = engine.ENGINE._process

    seconds = min(validate(UBL, "ubl").seconds for _time in range(5))

    # Compiling takes seconds; a document takes hundredths.
    assert seconds < 0.5
    assert engine.ENGINE._process is process


def test_many_threads_get_their_own_answers() -> None:
    rules.warm_up("ubl", "cii")
    broken = UBL.replace(b"<cbc:ID>0000123456</cbc:ID>", b"", 1)
    answers: dict[int, set[str]] = {}

    def check(number: int) -> None:
        document = (UBL, broken, CII)[number % 3]
        answers[number] = ids(validate(document))

    threads = [threading.Thread(target=check, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answers[number] for number in range(24)] == [set(), {"BR-02"}, set()] * 8


def test_tenants_take_turns_at_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    own, served = Engine(), []
    whose = threading.local()
    monkeypatch.setattr(engine, "entered_key", lambda: whose.key)

    def check(key: str) -> None:
        whose.key = key
        own.compile(Path(key))

    monkeypatch.setattr(own, "_compile", lambda _rules: served.append(whose.key))
    threads = []
    with own._turns.turn("north", patience=5):
        for place, key in enumerate(("north", "north", "north", "south"), start=1):
            threads.append(threading.Thread(target=check, args=(key,)))
            threads[-1].start()
            deadline = time.monotonic() + 10
            while sum(map(len, own._turns._waiting.values())) < place:
                assert time.monotonic() < deadline
                time.sleep(0.002)
    for thread in threads:
        thread.join(10)

    assert served == ["south", "north", "north", "north"]


def test_a_document_that_takes_too_long_is_stopped_and_the_next_one_is_checked() -> None:
    line = UBL[UBL.index(b"<cac:InvoiceLine>") : UBL.rindex(b"</ubl:Invoice>")]
    line = line.replace(b'EUR">850<', b'EUR">-850<')
    large = UBL.replace(b"</ubl:Invoice>", line * 800 + b"</ubl:Invoice>")
    began = time.monotonic()

    with pytest.raises(rules.RulesTookTooLong, match="did not finish"):
        validate(large, "ubl", seconds=0.3)

    assert time.monotonic() - began < 60
    assert validate(UBL, "ubl").is_valid


def test_a_worker_that_dies_is_replaced() -> None:
    rules.warm_up("ubl")
    process = engine.ENGINE._process
    assert process is not None

    process.kill()
    process.wait()

    assert validate(UBL, "ubl").is_valid


def test_an_engine_that_is_stopped_leaves_no_process_behind(tmp_path: Path) -> None:
    own = Engine()
    own.compile(choose("ubl", "")[1])
    process = own._process
    assert process is not None

    own.stop()

    assert process.poll() is not None


def test_a_forked_process_starts_a_worker_of_its_own() -> None:
    own = Engine()
    path = choose("ubl", "")[1]
    own.compile(path)
    parents = own._process
    assert parents is not None
    reader, writer = os.pipe()

    child = os.fork()
    if child == 0:
        own.forget()
        own.compile(path)
        os.write(writer, b"other" if own._process is not parents else b"same")
        own.stop()
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reader, 10) == b"other"
    assert parents.poll() is None
    os.close(reader)
    os.close(writer)
    own.stop()


def test_rules_that_do_not_compile_are_an_error_of_ours(tmp_path: Path) -> None:
    own = Engine()
    nonsense = tmp_path / "rules.xslt"
    nonsense.write_text("<nonsense/>")
    try:
        with pytest.raises(rules.RulesUnavailable):
            own.compile(nonsense)
    finally:
        own.stop()


def test_the_worker_sees_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "secret")
    own = Engine()
    try:
        own._running()
        assert own._process is not None
        environment = Path(f"/proc/{own._process.pid}/environ")
        if environment.exists() and os.access(environment, os.R_OK):
            deadline = time.monotonic() + 10
            while not (seen := environment.read_bytes()) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert b"SECRET_KEY" not in seen
    finally:
        own.stop()


def test_a_place_is_readable() -> None:
    location = (
        "/*:Invoice[namespace-uri()='urn:x'][1]/*:InvoiceLine[namespace-uri()='urn:y'][2]"
        "/*:Price[namespace-uri()='urn:y'][1]/@*[local-name()='currencyID']"
    )

    assert readable(location) == "Invoice/InvoiceLine[2]/Price/@currencyID"


def test_a_report_with_very_many_findings_is_cut() -> None:
    failed = '<s:failed-assert id="BR-1" flag="fatal"><s:text>[BR-1]-No.</s:text></s:failed-assert>'
    report = f'<s:o xmlns:s="http://purl.oclc.org/dsdl/svrl">{failed * 700}</s:o>'

    answer = findings(report)

    assert answer["total"] == 700
    assert len(answer["findings"]) == 500
    assert answer["findings"][0] == {
        "rule_id": "BR-1",
        "severity": "fatal",
        "message": "No.",
        "element": "",
    }


def test_what_is_fatal_is_not_cut_by_warnings_before_it() -> None:
    row = '<failed-assert id="{}" flag="{}" location="/a"><text>It.</text></failed-assert>'
    report = (
        '<o xmlns="http://purl.oclc.org/dsdl/svrl">'
        + row.format("UBL-CR-001", "warning") * 600
        + row.format("BR-CL-04", "fatal")
        + "</o>"
    )

    found = findings(report)

    assert (len(found["findings"]), found["total"]) == (500, 601)
    assert found["findings"][-1]["rule_id"] == "BR-CL-04"
