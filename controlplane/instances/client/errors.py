"""What can go wrong between Pergola and an n8n.

InstanceError
├── InstanceUnreachable      nobody answered, or not in time
├── InstanceRefused          n8n answered, and not with what was asked for
│   ├── KeyRejected          401
│   ├── LicenceNeeded        403, the edition lacks the feature
│   ├── AccessDenied         403, the key may not touch that
│   ├── NotFound             404
│   └── WebhookPathTaken     409 on publishing
└── WorkflowNotLive          published, but its trigger does not answer
"""

from http import HTTPStatus

from controlplane.core.errors import DomainError


class InstanceError(DomainError):
    """Anything that n8n, or the way to it, did not do for us."""

    code = "instance_failed"
    status = HTTPStatus.BAD_GATEWAY
    title = "n8n did not do what was asked"


class InstanceUnreachable(InstanceError):
    """No answer from the instance."""

    code = "instance_unreachable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "n8n cannot be reached"

    def __init__(self, *, base_url: str, doing: str, reason: str, sent: bool) -> None:
        super().__init__(
            f"n8n at {base_url} gave no answer to “{doing}” ({reason}). Check that it runs and "
            "that this host reaches it, then try again."
        )
        self.sent = sent
        """Whether n8n may have received the request, and so may have acted on it."""


class InstanceRefused(InstanceError):
    """n8n answered with an error; `upstream_status` is its HTTP status."""

    code = "instance_refused"
    title = "n8n refused"
    advice = "Correct what the message names, then try again."

    def __init__(
        self, *, base_url: str, doing: str, upstream_status: int, message: str, advice: str = ""
    ) -> None:
        super().__init__(
            f"n8n at {base_url} refused “{doing}” with {upstream_status}: "
            f"{message.rstrip('.')}. {advice or self.advice}"
        )
        self.upstream_status = upstream_status
        self.message = message


class KeyRejected(InstanceRefused):
    """The API key is wrong, expired or deleted."""

    code = "instance_key_rejected"
    title = "n8n rejected the API key"
    advice = "Make a new key in n8n (Settings, n8n API) and store it with the instance."


class LicenceNeeded(InstanceRefused):
    """This edition of n8n does not have the feature."""

    code = "instance_licence_needed"
    title = "n8n's licence does not include this"
    advice = "Go without the feature, or add a licence to that n8n."


class AccessDenied(InstanceRefused):
    """The key is good, but not for that object or that action."""

    code = "instance_access_denied"
    title = "The n8n key may not do this"
    advice = "Use a key of the user who owns it, with the scope that this needs."


class NotFound(InstanceRefused):
    """n8n does not have it (any more)."""

    code = "instance_object_missing"
    status = HTTPStatus.NOT_FOUND
    title = "n8n does not have this"
    advice = "See in n8n whether it was deleted, or whether the node package it needs is missing."


class WebhookPathTaken(InstanceRefused):
    """Webhook paths are global to an instance, and another published workflow has this one."""

    code = "webhook_path_taken"
    status = HTTPStatus.CONFLICT
    title = "The webhook path is taken"
    advice = "Give this workflow's webhook another path, or unpublish the workflow that holds it."


class WorkflowNotLive(InstanceError):
    """n8n says that it is published, but its webhook is not there."""

    code = "workflow_not_live"
    title = "The workflow did not go live"

    def __init__(self, *, base_url: str, workflow_id: str, waited: float) -> None:
        super().__init__(
            f"n8n at {base_url} published workflow {workflow_id}, but its trigger was not live "
            f"after {waited:.0f} s. Open the workflow in n8n: its trigger node shows what failed."
        )
