"""How a sandbox is told apart wherever something of it is shown or leaves it."""

from controlplane.core.errors import DomainError
from tenants.context import current_tenant
from tenants.models import Tenant

HEADER = "Pergola-Environment"


class KeyOfOtherEnvironment(DomainError):
    code = "key_of_other_environment"
    status = 401
    title = "The API key is of the other environment"


def marked_subject(text: str, tenant: Tenant | None) -> str:
    """A mail's subject, in one line, since what customers write may hold line breaks.

    The platform's own mails are of no tenant.
    """
    is_sandbox = tenant is not None and tenant.is_sandbox
    return " ".join(["[Sandbox]"] * is_sandbox + text.split())


def marked_name(text: str) -> str:
    """What is called so in n8n, where production's and the sandbox's stand side by side."""
    return f"[sandbox] {text}" if current_tenant().is_sandbox else text


def assert_environment(asked: str, tenant: Tenant) -> None:
    """`asked` is what the caller says that it means to call; it may say nothing.

    Raises KeyOfOtherEnvironment.
    """
    if asked and asked != tenant.environment:
        raise KeyOfOtherEnvironment(
            f"The call is meant for {asked}, and this key is of {tenant.slug}, which is "
            f"{tenant.environment}. Use a key that was issued there."
        )
