"""A new secret on its way to the page that shows it once; in the session it lies encrypted."""

from django.http import HttpRequest

from controlplane.core.crypto import Undecryptable, decrypt, encrypt

IN_SESSION = "shown_once"


def keep(request: HttpRequest, *, of: str, secret: str) -> None:
    """`of` says what it is the secret of; one that was kept before is forgotten."""
    request.session[IN_SESSION] = {"of": of, "secret": encrypt(secret)}


def take(request: HttpRequest, *, of: str) -> str:
    """The secret that was kept for this; empty where none was, or it was shown already."""
    kept = request.session.get(IN_SESSION)
    if not kept or kept["of"] != of:
        return ""
    del request.session[IN_SESSION]
    try:
        return decrypt(kept["secret"])
    except Undecryptable:
        return ""
