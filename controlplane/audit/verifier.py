#!/usr/bin/env python3
"""Verify an export of a Pergola audit trail. One file, Python 3.9 or newer, nothing to install.

    python3 verify_audit.py EXPORT.zip [--public-key KEY] [--checkpoint KEPT.jsonl]

EXPORT.zip is what `manage.py export_audit` or the portal wrote, or the folder it was unpacked into.
--public-key is the installation's key as you were given it by another way than the export; it may
be repeated. Without it the key in the export is taken, which its writer could have replaced.
--checkpoint is a file with checkpoints that were kept elsewhere, for example from an earlier
export; it may be repeated. Only such a one proves that the end of the chain was not cut off
together with its checkpoints.

Exit status 0: the chain holds. 1: it does not, and the first bad entry is named. 2: unreadable.

Pergola itself walks its chains with this same code.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, NamedTuple

GENESIS = "0" * 64
CHECKPOINT_FORMAT = "pergola-audit-checkpoint-1"
WITNESS = 16
"""Hex digits of an entry's hash that a checkpoint keeps."""
CLOCKS_DIFFER = timedelta(minutes=5)


class Unreadable(Exception):
    """This is no export of an audit trail, or no whole one."""


class Finding(NamedTuple):
    """The first bad entry, and what is wrong with it."""

    sequence: int
    reason: str


class Result(NamedTuple):
    """`entries` and `head` are of what holds; `last` is the number of the last such entry."""

    entries: int
    last: int
    head: str
    finding: Finding | None
    warnings: list[str]


# --- RFC 8785 ---------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """The RFC 8785 JSON of what an entry holds. Raises Unreadable for what JSON cannot carry."""
    return _text(value).encode("utf-8")


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) >= 2**53:
            raise Unreadable(f"the number {value} is larger than JSON can carry exactly")
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_text(each) for each in value) + "]"
    if isinstance(value, dict):
        # By UTF-16 code units, as the RFC orders them.
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{_text(name)}:{_text(value[name])}" for name in names) + "}"
    raise Unreadable(f"JSON has no {type(value).__name__}")


def _number(value: float) -> str:
    """As ECMAScript writes it: the same shortest digits as Python's, another notation."""
    if not isfinite(value):
        raise Unreadable("JSON has no number that is not finite")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _e, exponent = repr(abs(value)).partition("e")
    whole, _dot, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        told = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        told = digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        told = "0." + "0" * -point + digits
    else:
        rest = "." + digits[1:] if len(digits) > 1 else ""
        told = f"{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + told


# --- Ed25519, RFC 8032 ------------------------------------------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
# Extended coordinates: x, y, z, t with x = X/Z, y = Y/Z, xy = T/Z.
_Point = tuple


def _recover_x(y: int, odd: int) -> int | None:
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    if square == 0:
        return None if odd else 0
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P:
        return None
    return _P - x if (x & 1) != odd else x


def _decompress(raw: bytes) -> _Point | None:
    y = int.from_bytes(raw, "little")
    odd, y = y >> 255, y & ((1 << 255) - 1)
    x = _recover_x(y, odd)
    return None if x is None else (x, y, 1, x * y % _P)


def _add(p: _Point, q: _Point) -> _Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _times(number: int, p: _Point) -> _Point:
    total: _Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = _add(total, p)
        p = _add(p, p)
        number >>= 1
    return total


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE_X = _recover_x(_BASE_Y, 0) or 0
_BASE: _Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)


def ed25519_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature of 64 bytes is of this message and by this key of 32 bytes."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment = _decompress(public), _decompress(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= _L:
        return False
    told = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(told, "little") % _L
    left, right = _times(scalar, _BASE), _add(commitment, _times(challenge, key))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (
        left[1] * right[2] - right[1] * left[2]
    ) % _P == 0


# --- Checkpoints ------------------------------------------------------------------------------


class Mark(NamedTuple):
    """A checkpoint whose signature holds."""

    number: int
    at: str
    sequence: int
    head: str
    base: int
    base_head: str
    witness: str
    previous: str
    digest: str
    chain: str
    is_kept_elsewhere: bool

    @property
    def first(self) -> int:
        """The first entry that its witness has."""
        return self.sequence - len(self.witness) // WITNESS + 1

    def witness_of(self, sequence: int) -> str:
        """Of an entry that it has, the beginning of the hash; "" for any other."""
        at = (sequence - self.first) * WITNESS
        return self.witness[at : at + WITNESS] if at >= 0 else ""


Verifies = Callable[[bytes, bytes, bytes], bool]


def read_mark(
    line: dict[str, Any],
    trusted: Iterable[str],
    *,
    verifies: Verifies = ed25519_verifies,
    is_kept_elsewhere: bool = False,
) -> Mark:
    """A checkpoint as it stands in a file. Raises Unreadable where it does not hold."""
    try:
        content, public = line["content"], line["public_key"]
        signed = canonical(content)
        number, base = content["number"], content["base"]
        if public not in set(trusted):
            raise Unreadable("it was signed by a key that is not the installation's")
        raw, signature = base64.b64decode(public), base64.b64decode(line["signature"])
        if content["format"] != CHECKPOINT_FORMAT or not verifies(raw, signed, signature):
            raise Unreadable("its signature does not hold")
        return Mark(
            number=number,
            at=content["at"],
            sequence=content["sequence"],
            head=content["head"],
            base=base[0],
            base_head=base[1],
            witness=content["witness"],
            previous=content["previous"],
            digest=hashlib.sha256(signed).hexdigest(),
            chain=content["chain"],
            is_kept_elsewhere=is_kept_elsewhere,
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Unreadable(f"it is no checkpoint ({error!r})") from error


def read_marks(
    lines: Iterable[dict[str, Any]],
    trusted: Iterable[str],
    *,
    verifies: Verifies = ed25519_verifies,
) -> tuple[list[Mark], Finding | None]:
    """The checkpoints up to the first that does not hold, and from which entry on that matters."""
    marks: list[Mark] = []
    trusted = set(trusted)
    for line in lines:
        last = marks[-1] if marks else None
        proven, expected = (last.sequence, last.number + 1) if last else (0, 1)
        try:
            mark = read_mark(line, trusted, verifies=verifies)
            if mark.number != expected:
                raise Unreadable("it is missing")
            if mark.previous != (last.digest if last else GENESIS):
                raise Unreadable("it does not follow the checkpoint before it")
            if last and mark.chain != last.chain:
                raise Unreadable("it is of another chain")
        except Unreadable as error:
            return marks, Finding(proven + 1, f"checkpoint {expected} does not hold: {error}")
        marks.append(mark)
    return marks, None


# --- The chain --------------------------------------------------------------------------------

Line = dict
"""An entry as it stands in a file: `content` and `hash`."""


def walk(entries: Iterable[Line], marks: list[Mark], kept: Iterable[Mark] = ()) -> Result:
    """Follow the chain from its first entry, held against its checkpoints and those of elsewhere.

    `entries` come in the order of their numbers.
    """
    chain = _Chain(marks, list(kept))
    for line in entries:
        if reason := chain.wrong_with(line):
            return chain.result(Finding(chain.expected, reason))
        chain.take(line)
    return chain.result(chain.missing())


class _Chain:
    """How far it was followed, and what the entry after that has to be."""

    def __init__(self, marks: list[Mark], kept: list[Mark]) -> None:
        # What was kept elsewhere is believed first: nobody here can have changed it.
        self._witnesses = [_Witnesses(kept), _Witnesses(marks)]
        self._proofs = [*kept, *marks]
        base = max(self._proofs, key=lambda mark: mark.base, default=None)
        # Where it begins, unless a purge that was interrupted has left some of what may go.
        self._first, self._first_head = (base.base + 1, base.base_head) if base else (1, GENESIS)
        self.expected, self.previous, self.count = self._first, self._first_head, 0
        self._latest = ""
        self._warnings: list[str] = []

    def wrong_with(self, line: Line) -> str:
        content, said = line["content"], line["hash"]
        sequence = content["sequence"]
        if not self.count and sequence < self._first:
            self.expected = sequence
            self.previous = GENESIS if sequence == 1 else content["previous_hash"]
        if sequence != self.expected:
            return "the entry is missing"
        if content["previous_hash"] != self.previous:
            return "it does not follow the entry before it"
        if hashlib.sha256(canonical(content)).hexdigest() != said:
            return "its content was changed"
        if sequence == self._first - 1 and said != self._first_head:
            return "it is not the entry that was signed before older ones were taken away"
        return next(filter(None, (each.against(sequence, said) for each in self._witnesses)), "")

    def take(self, line: Line) -> None:
        content = line["content"]
        if self._latest and _is_earlier(content["at"], self._latest):
            self._warnings.append(
                f"entry {self.expected} is dated {content['at']}, before the entry before it: a "
                "clock was put back, or it was back-dated before a checkpoint was made"
            )
        self._latest = max(self._latest, content["at"])
        self.expected, self.previous = self.expected + 1, line["hash"]
        self.count += 1

    def missing(self) -> Finding | None:
        """At the end: what a checkpoint had and the chain has no more."""
        last = max(self._proofs, key=lambda mark: mark.sequence, default=None)
        if last is None or last.sequence < self.expected:
            return None
        whose = " that was kept elsewhere" if last.is_kept_elsewhere else ""
        return Finding(
            self.expected,
            f"the entry is missing: checkpoint {last.number}{whose}, signed at {last.at}, had "
            f"entries up to {last.sequence}",
        )

    def result(self, finding: Finding | None) -> Result:
        return Result(self.count, self.expected - 1, self.previous, finding, self._warnings)


class _Witnesses:
    """Checkpoints, asked for one entry after the other."""

    def __init__(self, marks: Iterable[Mark]) -> None:
        self.marks = sorted(marks, key=lambda mark: mark.sequence)
        self._longest = max((len(mark.witness) // WITNESS for mark in self.marks), default=0)
        self._next = 0

    def against(self, sequence: int, said: str) -> str:
        """What is wrong with this entry by those that have it; "" where they agree."""
        while self._next < len(self.marks) and self.marks[self._next].sequence < sequence:
            self._next += 1
        for place in range(self._next, len(self.marks)):
            mark = self.marks[place]
            if mark.sequence - self._longest > sequence:
                break  # neither it nor any after it reaches back so far
            fits = (
                said == mark.head
                if mark.sequence == sequence
                else said.startswith(mark.witness_of(sequence))
            )
            if not fits:
                whose = " that was kept elsewhere" if mark.is_kept_elsewhere else ""
                return (
                    f"it was rewritten after checkpoint {mark.number}{whose} was signed "
                    f"at {mark.at}"
                )
        return ""


def _is_earlier(at: str, latest: str) -> bool:
    """By more than clocks of two machines may differ."""
    return (
        at < latest and datetime.fromisoformat(latest) - datetime.fromisoformat(at) > CLOCKS_DIFFER
    )


# --- Files ------------------------------------------------------------------------------------


class Export:
    """The files of an export, in its archive or unpacked."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._zip = None if os.path.isdir(path) else zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise Unreadable(f"{path} cannot be opened: {error}") from error

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        try:
            opened = (
                self._zip.open(name) if self._zip else open(os.path.join(self.path, name), "rb")  # noqa: SIM115  (closed below)
            )
        except (OSError, KeyError) as error:
            raise Unreadable(f"{self.path} has no {name}") from error
        with opened as source:
            for number, raw in enumerate(source, start=1):
                yield _object(raw, f"line {number} of {name}")

    def document(self, name: str) -> dict[str, Any]:
        return next(self.lines(name))


def _object(raw: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except ValueError as error:
        raise Unreadable(f"{where} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Unreadable(f"{where} is no JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _kept(paths: Iterable[str], trusted: set[str]) -> list[Mark]:
    marks = []
    for path in paths:
        try:
            with open(path, "rb") as source:
                lines = [_object(raw, path) for raw in source if raw.strip()]
        except OSError as error:
            raise Unreadable(f"{path} cannot be opened: {error}") from error
        for line in lines:
            try:
                marks.append(read_mark(line, trusted, is_kept_elsewhere=True))
            except Unreadable as error:
                raise Unreadable(f"a checkpoint in {path} is of no use: {error}") from error
    return marks


def verify(path: str, public_keys: Iterable[str], kept: Iterable[str]) -> Result:
    """Raises Unreadable."""
    export = Export(path)
    manifest = export.document("manifest.json")
    named = set(manifest.get("public_keys", []))
    trusted = set(public_keys) or named
    marks, broken = read_marks(export.lines("checkpoints.jsonl"), trusted)
    elsewhere = _kept(kept, trusted)
    strange = {mark.chain for mark in elsewhere} - {mark.chain for mark in marks[:1]}
    result = walk(export.lines("entries.jsonl"), marks, elsewhere)
    warnings = list(result.warnings)
    if not list(public_keys):
        warnings.append(
            "the public key was taken from the export itself: compare it with the one that you "
            "were given by another way, or pass that one as --public-key"
        )
    if marks and strange:
        warnings.append(f"a checkpoint that was kept is of another chain: {', '.join(strange)}")
    if not marks:
        warnings.append("there is no checkpoint: whoever recomputed the hashes is not found")
    elif result.last > marks[-1].sequence:
        warnings.append(
            f"entries after {marks[-1].sequence} are not signed yet: whoever rewrote them and "
            "their hashes is not found"
        )
    finding = min((each for each in (result.finding, broken) if each), default=None)
    return result._replace(finding=finding, warnings=warnings)


def _public_key(text: str) -> str:
    if os.path.exists(text):
        with open(text) as source:
            text = source.read().strip()
    return text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verify an export of a Pergola audit trail.")
    parser.add_argument("export", help="the archive, or the folder it was unpacked into")
    parser.add_argument("--public-key", action="append", default=[], type=_public_key)
    parser.add_argument("--checkpoint", action="append", default=[], help="kept elsewhere")
    options = parser.parse_args(arguments)
    try:
        result = verify(options.export, options.public_key, options.checkpoint)
    except Unreadable as error:
        print(f"UNREADABLE: {error}", file=sys.stderr)
        return 2
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        print(f"UNREADABLE: an entry or checkpoint has another shape: {error!r}", file=sys.stderr)
        return 2
    for warning in result.warnings:
        print(f"Note: {warning}.")
    if result.finding:
        print(
            f"BROKEN at entry {result.finding.sequence}: {result.finding.reason}; "
            f"{result.entries} entries before it hold"
            if result.finding.sequence == result.last + 1
            else f"BROKEN at entry {result.finding.sequence}: {result.finding.reason}"
        )
        return 1
    print(f"The chain holds: {result.entries} entries up to {result.last}, head {result.head}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
