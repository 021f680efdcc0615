"""The cases of every template here in a real n8n, and each template in a tenant of its own."""

from typing import Any

import pytest

from controlplane.catalog.models import Template
from controlplane.catalog.proof import Shown, proof_of
from controlplane.catalog.trying.running import note_run, run_cases
from controlplane.core.actor import system
from deploy.template_cases import FOLDERS, new_grounds

pytestmark = pytest.mark.e2e
BY = system("cases")


@pytest.mark.parametrize("slug", FOLDERS)
def test_its_cases_end_as_they_say(running: Any, slug: str) -> None:
    release = Template.objects.get(slug=slug).latest
    assert release is not None

    results = run_cases(release, ground=new_grounds(), by=BY)

    failed = [f"{result.name}: {result.error}" for result in results if not result.passed]
    assert (failed, len(results) >= 3) == ([], True)
    note_run(release, results, n8n_version="", by=BY)
    assert proof_of(release).shown == Shown.PASSED
    assert all(result.actual["calls"] for result in results)
