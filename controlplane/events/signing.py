"""Pergola's own signature, for senders that have none of theirs.

`X-Pergola-Signature: sha256=<hex HMAC-SHA256 of the body with the source's secret>`. It is computed
while the body passes, so a document is never held whole to be checked.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from django.utils import timezone

from controlplane.core.text import made_storable
from controlplane.events.incoming import Incoming, limited
from controlplane.events.verification import SignatureInvalid

if TYPE_CHECKING:
    from controlplane.events.models import Source

SIGNATURE_HEADER = "X-Pergola-Signature"
ID_HEADER = "X-Pergola-Id"
_SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})")

# A shell command, so in no language; `-r` makes every version of openssl print the digest first.
_EXAMPLE = """\
SIGNATURE=$(openssl dgst -sha256 -hmac "$SECRET" \\
  -r {file} | cut -d' ' -f1)
curl {address} \\
  --data-binary @{file} \\
  -H 'Content-Type: {content_type}' \\
{more}  -H "{signature_header}: sha256=$SIGNATURE"
"""


def sign(body: bytes, secret: str) -> str:
    """The header's value."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def signed_chunks(source: "Source", incoming: Incoming, *, limit: int) -> Iterator[bytes]:
    """The body in pieces; after the last one it is known whether the signature fits.

    Keep nothing before the end is reached: what raises there takes back what was written.
    Raises BodyTooLarge or SignatureInvalid.
    """
    given = _SIGNATURE.fullmatch(incoming.header(SIGNATURE_HEADER).strip())
    secrets = source.secrets_at(timezone.now())
    if not secrets or given is None:
        raise _refused(source)
    computed = [hmac.new(secret.encode(), digestmod=hashlib.sha256) for secret in secrets]
    for chunk in limited(incoming, limit=limit):
        for one in computed:
            one.update(chunk)
        yield chunk
    signature = bytes.fromhex(given[1])
    if not any([hmac.compare_digest(signature, one.digest()) for one in computed]):
        raise _refused(source)


def id_of(incoming: Incoming) -> str:
    """The sender's own number for what it sends, the same for every try; empty without one."""
    return made_storable(incoming.header(ID_HEADER).strip())[:200]


def signed_sample(source: "Source", body: bytes, headers: Mapping[str, str]) -> Incoming:
    """What a test button sends: signed as the outside system would, marked as a test."""
    signed = {**headers, SIGNATURE_HEADER: sign(body, source.secret)}
    return Incoming.of(body, signed, is_test=True)


def example(*, file: str, content_type: str, headers: Mapping[str, str] | None = None) -> str:
    """How to sign and send a file with openssl and curl; `{address}` is still to be filled in."""
    more = (f"  -H '{name}: {value}' \\\n" for name, value in (headers or {}).items())
    return _EXAMPLE.format(
        address="{address}",
        file=file,
        content_type=content_type,
        more="".join(more),
        signature_header=SIGNATURE_HEADER,
    )


def _refused(source: "Source") -> SignatureInvalid:
    return SignatureInvalid(
        f"The signature in {SIGNATURE_HEADER} does not fit the body and the secret of source "
        f"“{source.slug}”. Send “sha256=” and the HMAC-SHA256 of the raw body, in hex, and check "
        "that nothing between changes the body. The source's page in the portal has an example."
    )
