"""Where a consultant edits an installation."""

from controlplane.catalog.models import Installation
from controlplane.instances.models import Workspace


def editor_url(installation: Installation) -> str:
    """The workflow in n8n's editor. Raises NoWorkspace."""
    return f"{Workspace.current().editor_base_url}/workflow/{installation.workflow_id}"
