"""Where a consultant edits an installation."""

from controlplane.catalog.models import Installation
from controlplane.instances.models import Workspace


def editor_url(installation: Installation) -> str:
    """The workflow in n8n's editor. Raises NoWorkspace."""
    base = Workspace.current().webhook_base_url
    return f"{base}/workflow/{installation.workflow_id}"
