"""The cases of each template, judged as they would be after it was cloned with the defaults."""

import hashlib
import json
import uuid
from pathlib import Path

import pytest
from django.conf import settings

from controlplane.catalog.loader import read_folder
from controlplane.catalog.manifest import Case
from controlplane.catalog.models import Installation
from controlplane.catalog.parameters import filled
from controlplane.core.actor import Actor, ActorKind
from controlplane.events.models import Event, Source
from controlplane.orders.services import review_order
from tenants.models import Tenant

FOLDERS = [path.parent for path in settings.BASE_DIR.glob("workflow-templates/*/template.yaml")]
CASES = [
    pytest.param(folder, case, id=f"{folder.name}/{name}")
    for folder in FOLDERS
    for name, case in read_folder(folder).cases.items()
]


@pytest.mark.parametrize(("folder", "case"), CASES)
def test_a_case_ends_as_it_says(tenant: Tenant, folder: Path, case: Case) -> None:
    manifest = read_folder(folder).manifest
    installation = Installation.objects.create(
        template_slug=folder.name,
        template_title=manifest.title,
        release_id=uuid.uuid4(),
        release_version=manifest.version,
        parameters=filled(manifest, case.parameters),
    )
    body = json.dumps(case.event.payload)
    event = Event.objects.create(
        source=Source.objects.create(slug="case", name="Case"),
        type=case.event.type,
        external_id="case",
        body=body,
        body_sha256=hashlib.sha256(body.encode()).hexdigest(),
    )
    key = Actor(ActorKind.MACHINE, "key", "its key", installation_id=installation.pk)

    review = review_order(event_id=event.pk, by=key)

    assert review.decision.verdict == case.expected.verdict
    assert [reason["code"] for reason in review.decision.reasons] == case.expected.reasons


def test_every_template_of_ours_has_cases() -> None:
    assert FOLDERS
    for folder in FOLDERS:
        assert len(read_folder(folder).cases) >= 3, folder.name
