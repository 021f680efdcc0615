"""The pictures beside the READMEs of workflow-templates/, drawn as the portal draws them."""

import json

from django.conf import settings

from controlplane.workflow.picture.drawing import draw

NAME = "workflow.svg"


def render() -> dict[str, str]:
    """Path below the repository to SVG, one for each folder."""
    root = settings.BASE_DIR
    return {
        str((path.parent / NAME).relative_to(root)): (
            draw(json.loads(path.read_text(encoding="utf-8")), standalone=True) + "\n"
        )
        for path in sorted(root.glob("workflow-templates/*/workflow.json"))
    }
