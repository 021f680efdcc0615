"""What text gives away about the person who exported it, and the stand-ins for it."""

import re
from collections.abc import Callable
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
      -----BEGIN\ [A-Z\ ]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----
      (?: [^-]*+ (?:-(?!----)[^-]*+)*+ -----END\ [A-Z\ ]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----
        # Cut off: what is base64 below it, after its headers.
        | (?:(?:\s|\\[nrt])*+ [A-Za-z-]{3,20}: [^\n\\]{0,100}){0,4}
          (?:(?:\s|\\[nrt])*+ [A-Za-z0-9+/=]{16,}+)++ (?:(?:\n|\\n)[A-Za-z0-9+/=]{1,15})?
      )
    # At the beginning of a word, which is asked once for all of them.
    | \b (?:
        (?:sk|pk|rk)[-_](?:[A-Za-z]+[-_])*[A-Za-z0-9_-]{20,}
      | gh[pousr]_[A-Za-z0-9]{30,} | github_pat_\w{22,} | glpat-[\w-]{20,}
      | xox[abeprs]-[\w-]{10,} | A(?:KIA|SIA)[0-9A-Z]{16}\b | AIza[\w-]{35}
      | (?<!-)eyJ[\w-]{10,}+\.[\w-]{10,}+\.[\w-]{5,}
      | \d{8,12}:[A-Za-z0-9_-]{35,50}(?![\w-])
      | hf_[A-Za-z0-9]{30,} | SG\.[\w-]{16,}\.[\w-]{16,}
      | pat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b | apify_api_\w{20,} | npm_[A-Za-z0-9]{30,}
      # Ours: keys, and tokens of runs and connections. n8n's.
      | pgl_(?:[a-z]{1,10}_)?[0-9a-f]{12}_[0-9a-f]{16,} | pgl1\.[a-z]\.\d{1,20}\.[\w-]{20,}
      | n8n_api_[\w-]{16,}
      # Shopify, Stripe's hooks, DigitalOcean, Google, Notion, HubSpot, Linear.
      | shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32,} | whsec_[A-Za-z0-9+/]{24,}={0,2}
      | do[opr]_v1_[a-f0-9]{64} | GOCSPX-[\w-]{20,} | ya29\.[\w-]{20,}
      | (?<!/)1//0[\w-]{20,} | ntn_[A-Za-z0-9]{40,} | secret_[A-Za-z0-9]{40,}
      | pat-[a-z]{2}\d-[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}
      | lin_(?:api|oauth)_[A-Za-z0-9]{32,}
      # Groq, xAI, Tavily, Pinecone, Replicate, Brevo, Atlassian, Discord, Square, Mailchimp.
      | gsk_[A-Za-z0-9]{32,} | xai-[A-Za-z0-9]{40,} | tvly-[\w-]{20,} | pcsk_\w{40,}
      | r8_[A-Za-z0-9]{30,} | x(?:key|smtp)sib-[A-Za-z0-9-]{40,}
      | AT[AC]TT3x[\w-]{40,}(?:=[0-9A-F]{8})?
      | (?<![.-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,} | sq0[a-z]{3}-[\w-]{22,}
      | [0-9a-f]{32}-us\d{1,2}\b
      )
    # Telegram's in an address, Azure's.
    | (?<=bot)\d{8,12}:[A-Za-z0-9_-]{35,50}(?![\w-])
    | (?<=AccountKey=)[A-Za-z0-9+/]{40,}={0,2}
    | (?<=://)[^\s/:@"'{}]{1,80}:[^\s/@"'{}]{1,200}(?=@)
    """,
    re.X,
)
_HOOK = re.compile(
    r"""
    ( (?: hooks\.slack\.com/(?:services|workflows|triggers)
        | discord(?:app)?\.com/api(?:/v\d{1,2})?/webhooks
        | hooks\.zapier\.com/hooks/(?:catch|standard)
        | \bhook(?:\.[a-z0-9]{2,4})?\.(?:make|integromat)\.com
        | \.webhook\.office\.com/webhookb2 | outlook\.office(?:365)?\.com/webhook
        | maker\.ifttt\.com/trigger/[^/\s]{1,80}/(?:json/)?with/key
        | connect\.pabbly\.com/workflow/sendwebhookdata
      )/ )
    ([\w/@.%=-]{8,})
    """,
    re.X | re.I,
)
_SCHEME = re.compile(r"\b(Bearer|Basic|Token|ApiKey)(\s+)([A-Za-z0-9._~+/-]{12,}=*)")
_QUERY = re.compile(
    r"([?&](?:api[-_]?key|apikey|access[-_]?token|token|auth|key|secret|client_secret|sig|signature|"
    r"password|pwd)=)([^&\s\"'`{}<>#]{8,})",
    re.I,
)
_NAMES = (
    r"(?:x-)?(?:api[-_]?key|(?:access|auth|bearer|bot|refresh)?[-_]?token|password|passwd|pwd|"
    r"(?:client[-_]?)?secret|private[-_]?key|authorization|access[-_]?key)"
)
_SECRET_NAME = re.compile(rf"(?:[^\n]*[-_])?{_NAMES}", re.I)
_NAMED = re.compile(
    rf"""
    ( (?<![\w-]) (?: (?:[\w-]{{0,40}}[-_])? {_NAMES}
                      \\{{0,2}}["']? [^\S\n]*[:=][^\S\n]* \\{{0,2}}["']
                  # A header as curl has it; no name with a hyphen is a variable.
                    | (?:[a-z]{{1,20}}-){{1,4}} (?:key|token|secret) [^\S\n]*:[^\S\n]*
                  ) )
    ([A-Za-z0-9._~+/=!@\#%^&*-]{{6,400}})
    (?![\w({{\[])
    """,
    re.I | re.X,
)
_STANDS_IN = re.compile(
    r"your|x{3,}|\*{3,}|<|placeholder|example|changeme|removed|insert|dummy", re.I
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
    if not _SECRET_NAME.fullmatch(key.strip()):
        return False
    return (
        not value.startswith("=")
        and "{{" not in value
        and " " not in value.strip()
        and _may_be_one(value.strip(), named=True)
    )


def _may_be_one(value: str, *, named: bool = False) -> bool:
    """No word and no stand-in; what a name says is a secret may be of letters alone."""
    if len(value) < 6 or _stands_in(value):
        return False
    return bool(
        re.search(r"\d", value) or re.fullmatch(r"[A-Za-z]{16,}" if named else r"[A-Z]{16,}", value)
    )


def _stands_in(value: str) -> bool:
    """`YOUR_API_KEY1`, and not a real key that has such letters by chance."""
    rest, words = _STANDS_IN.subn(" ", value)
    return words > 0 and not any(
        len(part) >= 16
        or (len(part) >= 10 and re.search(r"\d", part) and re.search(r"[A-Za-z]", part))
        for part in re.split(r"[^A-Za-z0-9]+", rest)
    )


def _without_secrets(text: str) -> tuple[str, bool]:
    found = 0

    def alone(match: re.Match[str]) -> str:
        nonlocal found
        if _stands_in(match[0]):
            return match[0]
        found += 1
        return SECRET

    def last(*, named: bool, surely: bool = False) -> Callable[[re.Match[str]], str]:
        """For expressions whose last group is the secret."""

        def replaced(match: re.Match[str]) -> str:
            nonlocal found
            *before, secret = match.groups()
            if _stands_in(secret) if surely else not _may_be_one(secret, named=named):
                return match[0]
            found += 1
            return "".join((*before, SECRET))

        return replaced

    text = _SECRETS.sub(alone, text)
    text = _HOOK.sub(last(named=True, surely=True), text) if "/" in text else text
    text = _SCHEME.sub(last(named=False), text)
    if "=" in text or ":" in text:
        text = _QUERY.sub(last(named=True), text)
        text = _NAMED.sub(last(named=True), text)
    return text, found > 0


def _someones(match: re.Match[str]) -> str:
    return match[0] if match[2].strip() in _SHARED_HOMES else f"{match[1]}someone"
