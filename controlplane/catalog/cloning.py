"""Cloning in one call: what the API and `manage.py clone_template` do."""

from typing import Any

from controlplane.catalog import services
from controlplane.catalog.deploy import deploy
from controlplane.catalog.models import Installation, Release, Template
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError


class TemplateUnknown(DomainError):
    code = "template_unknown"
    status = 404
    title = "No such template"


def find_release(slug: str, version: str = "") -> Release:
    """Of a template that the tenant sees; without a version the latest. Raises TemplateUnknown."""
    template = Template.objects.filter(slug=slug).first()
    releases = list(template.releases.all()) if template else []
    found = next((each for each in releases if each.version == version), None)
    if template is not None and not version:
        found = template.latest
    if found is None:
        field = "version" if template is not None and version else "template"
        raise TemplateUnknown(
            f"There is no template “{slug}”{f' {version}' if version else ''} to clone here. "
            "GET /api/v1/templates lists those that there are.",
            errors=(FieldError(field, "names nothing that can be cloned"),),
        )
    return found


def clone_template(
    *, slug: str, parameters: dict[str, Any], by: Actor, version: str = "", wait: bool = True
) -> Installation:
    """Install it, and with `wait` deploy it here and now; a worker does so otherwise.

    What n8n refuses stands in the row's `last_error`. Called in no transaction. Raises
    TemplateUnknown, ReleaseNotOffered, ParametersInvalid, AlreadyInstalled.
    """
    release = find_release(slug, version)
    installation = services.install(release_id=release.pk, parameters=parameters, by=by)
    return deploy(installation.pk) if wait else installation
