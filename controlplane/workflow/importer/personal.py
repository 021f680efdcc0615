"""What text gives away about the person who exported it, and the stand-ins for it."""

import re
from dataclasses import dataclass, field

EMAIL = re.compile(
    r"(?<![\w.%+:/@-])[A-Za-z0-9](?:[\w.%+-]{0,62}[\w%+-])?@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,18}\b"
)
_NOBODYS = re.compile(r"@(?:[\w-]+\.)*(?:example|test|invalid|localhost|tld|example\.\w+)$", re.I)
_UNIX_HOME = re.compile(r"(?:(?<=file://)|(?<![\w./:}-]))(/(?:home|Users)/)([^/\s\"'`{}$\\:]+)")
_WINDOWS_HOME = re.compile(r"\b([A-Za-z]:(?:\\{1,2}|/)Users(?:\\{1,2}|/))([^\\/\"'`{}$:\n]+)")
_SHARED_HOMES = {"node", "someone", "Shared", "Public", "ubuntu", "user"}
SECRET = "REMOVED-SECRET"  # noqa: S105 - what stands where one was
_SECRETS = re.compile(
    r"""
      -----BEGIN\ [A-Z\ ]*PRIVATE\ KEY-----[\s\S]*?-----END\ [A-Z\ ]*PRIVATE\ KEY-----
    | \b(?:sk|pk|rk)[-_](?:[A-Za-z]+[-_])*[A-Za-z0-9_-]{20,}
    | \bgh[pousr]_[A-Za-z0-9]{30,} | \bgithub_pat_\w{22,} | \bglpat-[\w-]{20,}
    | \bxox[abeprs]-[\w-]{10,} | \bA(?:KIA|SIA)[0-9A-Z]{16}\b | \bAIza[\w-]{35}
    | \beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}
    | \b\d{8,10}:[A-Za-z0-9_-]{35}\b | \bhf_[A-Za-z0-9]{30,} | \bSG\.[\w-]{16,}\.[\w-]{16,}
    | \bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b | \bapify_api_\w{20,} | \bnpm_[A-Za-z0-9]{30,}
    | (?<=hooks\.slack\.com/services/)[\w/]{12,}
    | (?<=discord\.com/api/webhooks/)[\w/-]{12,} | (?<=discordapp\.com/api/webhooks/)[\w/-]{12,}
    | (?<=://)[^\s/:@"'{}]{1,80}:[^\s/@"'{}]{1,200}(?=@)
    """,
    re.X,
)
_SCHEME = re.compile(r"\b(Bearer|Basic|Token|ApiKey)(\s+)([A-Za-z0-9._~+/-]{12,}=*)")
_QUERY = re.compile(
    r"([?&](?:api[-_]?key|apikey|access[-_]?token|token|auth|key|secret|client_secret|sig|signature|"
    r"password|pwd)=)([^&\s\"'`{}<>#]{8,})",
    re.I,
)
_SECRET_NAME = re.compile(
    r"^(x-)?(api[-_]?key|apikey|(access|auth|bearer|bot|refresh)?[-_]?token|password|passwd|pwd|"
    r"(client[-_]?)?secret|private[-_]?key|authorization|access[-_]?key|.*[-_]api[-_]?key|"
    r".*[-_](token|secret|password))$",
    re.I,
)
_STANDS_IN = re.compile(
    r"your|xxx|\*\*\*|<|placeholder|example|changeme|removed|insert|dummy", re.I
)
_VALUE_KEYS = ("value", "Value")


@dataclass
class Persons:
    """Stand-ins for the addresses of one workflow: the same one for the same address."""

    emails: dict[str, str] = field(default_factory=dict)

    def cleaned(self, text: str) -> tuple[str, bool]:
        """The text without personal and secret parts, and whether a secret was in it."""
        if len(text) < 6:
            return text, False
        clean, secret = _without_secrets(text)
        if "@" in clean:
            clean = EMAIL.sub(self._stand_in, clean)
        if "ome/" in clean or "sers" in clean:
            clean = _UNIX_HOME.sub(_someones, clean)
            clean = _WINDOWS_HOME.sub(_someones, clean)
        return clean, secret

    def _stand_in(self, match: re.Match[str]) -> str:
        address = match[0]
        if _NOBODYS.search(address):
            return address
        known = self.emails.get(address.lower())
        if known is None:
            known = f"person{len(self.emails) + 1}@example.com"
            self.emails[address.lower()] = known
        return known


def is_secret(key: str, holder: dict[str, object], value: str) -> bool:
    """Whether a parameter's name, or the header's name beside it, says that it is a secret."""
    if key in _VALUE_KEYS:
        beside = holder.get("name", holder.get("key"))
        key = beside if isinstance(beside, str) else ""
    if not _SECRET_NAME.match(key.strip()):
        return False
    return (
        len(value) >= 6
        and not value.startswith("=")
        and "{{" not in value
        and " " not in value.strip()
        and bool(re.search(r"\d", value))
        and not _STANDS_IN.search(value)
    )


def _without_secrets(text: str) -> tuple[str, bool]:
    found = 0

    def plain(match: re.Match[str]) -> str:
        nonlocal found
        if _STANDS_IN.search(match[0]):
            return match[0]
        found += 1
        return SECRET

    def after_scheme(match: re.Match[str]) -> str:
        nonlocal found
        if _STANDS_IN.search(match[3]) or not re.search(r"\d", match[3]):
            return match[0]
        found += 1
        return f"{match[1]}{match[2]}{SECRET}"

    def in_query(match: re.Match[str]) -> str:
        nonlocal found
        if _STANDS_IN.search(match[2]) or not re.search(r"\d", match[2]):
            return match[0]
        found += 1
        return f"{match[1]}{SECRET}"

    text = _SECRETS.sub(plain, text)
    text = _SCHEME.sub(after_scheme, text)
    return (_QUERY.sub(in_query, text) if "=" in text else text), found > 0


def _someones(match: re.Match[str]) -> str:
    return match[0] if match[2].strip() in _SHARED_HOMES else f"{match[1]}someone"
