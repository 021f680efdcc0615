"""Every function of the tenants' file store × a foreign file; every place that opens files."""

import inspect
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants import files
from tenants.context import NoTenant, inside
from tests.integration.isolation import sources
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.cells import Cells

OPENING = (
    "open", ".open", ".read_bytes", ".read_text", ".write_bytes", ".write_text", ".mkdir",
    ".unlink", ".iterdir", ".rglob", ".glob", "os.fdopen", "os.listdir", "os.scandir", "os.walk",
    "tempfile.mkstemp", "tempfile.mkdtemp", "tempfile.TemporaryDirectory",
    "tempfile.NamedTemporaryFile", "tempfile.SpooledTemporaryFile", "shutil.rmtree", "shutil.copy",
    "shutil.copytree", "shutil.move",
)  # fmt: skip
# Who opens files, and why they are not another tenant's.
OPENS = {
    "controlplane/connections/sftp.py": "on the tenant's own server",
    "controlplane/events/ingest.py": "a folder that who runs the command names, for one tenant",
    "controlplane/events/management/commands/ingest.py": "a file that who runs the command names",
    "controlplane/api/handing.py": "without a name, and gone when the call has ended",
    "controlplane/api/management/commands/generate.py": "the product's own generated files",
    "controlplane/audit/export.py": "the verifying tool, into an archive of the entered chain",
    "controlplane/audit/signing.py": "the key that checkpoints are signed with",
    "controlplane/audit/sink.py": "one file for each chain, named by its id",
    "controlplane/audit/verifier.py": "as a tool: the files that its user names",
    "controlplane/catalog/pictures_page.py": "the product's own templates",
    "controlplane/catalog/loader.py": "the product's own templates",
    "controlplane/catalog/management/commands/import_workflow.py": "an operator's file",
    "controlplane/invoices/reading/entry.py": "in the limited process: the path that it was given",
    "controlplane/invoices/rules/sets.py": "the product's own rules",
    "controlplane/invoices/rules/worker.py": "its own standard output",
    "controlplane/knowledge/ingestion/entry.py": "in the limited process: the path it was given",
    "controlplane/knowledge/minilm.py": "the deployment's embedding model",
    "controlplane/support/sending.py": "a connection to the mail server",
    "controlplane/support/starter.py": "the starter model, made of the product's own examples",
    "controlplane/settings.py": "the keys of the deployment, from a file",
    "tenants/backup/archive.py": "the archive that the operator names",
    "tenants/backup/console.py": "the passphrase's file that the operator names",
    "tenants/backup/export.py": "what tenants.files gives of the entered tenant",
    "tenants/environments/services.py": "the folder of the sandbox that is removed",
    "tenants/files.py": "the folder of the entered tenant: the cells below",
    "tenants/leaving/certificate.py": "the key that certificates are signed with",
    "tenants/leaving/export.py": "the folder and the archive of the tenant that leaves",
    "tenants/leaving/own.py": "the folder of the tenant that leaves",
    "tenants/limits/storage.py": "the size of the entered tenant's folder",
    "tenants/management/commands/export_audit.py": "the archive that the operator names",
    "tenants/management/commands/restore_tenants.py": "the archive that the operator names",
    "tenants/management/commands/verify_certificate.py": "the file that the operator names",
}
ROOTS = ("FILES_ROOT", "MODELS_ROOT", "MEDIA_ROOT")
KNOW_A_ROOT = {
    ("controlplane/settings.py", "FILES_ROOT"), ("controlplane/settings.py", "MODELS_ROOT"),
    ("controlplane/knowledge/embedding.py", "MODELS_ROOT"),
    ("controlplane/support/starter.py", "MODELS_ROOT"),
    ("tenants/environments/services.py", "FILES_ROOT"), ("tenants/files.py", "FILES_ROOT"),
    ("tenants/leaving/export.py", "FILES_ROOT"), ("tenants/leaving/own.py", "FILES_ROOT"),
    ("tenants/limits/storage.py", "FILES_ROOT"),
}  # fmt: skip
# Functions of tenants.files that are given no name of a file.
NAMELESS = {
    "store": "names the file by what is in it",
    "stored_before": "names those of the entered tenant: the test below",
    "stored_files": "names those of the entered tenant: the test below",
}

FUNCTIONS = {
    name: function
    for name, function in inspect.getmembers(files, inspect.isfunction)
    if function.__module__ == files.__name__ and not name.startswith("_")
}
BY_NAME = {name for name, one in FUNCTIONS.items() if "sha256" in inspect.signature(one).parameters}


@pytest.fixture
def stored(callers: Callers, tmp_path: Path, settings: Any) -> Iterator[str]:
    """A file of the tenant's, in a store that is there for this test."""
    settings.FILES_ROOT = tmp_path
    with inside(callers.tenant):
        yield files.store([b"Hafenstra\xc3\x9fe"], limit=100).sha256


def own_file(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_file_is_found_by_its_own_tenant_only(
    name: str, stored: str, callers: Callers, tmp_path: Path
) -> None:
    cells, before = Cells("files"), own_file(tmp_path)
    for other in (callers.neighbour, callers.sandbox):
        for digest in (stored, f"../t_north/{stored[:2]}/{stored}", f"{stored}\0", "..", ""):
            wrong = []
            with inside(other):
                try:
                    if (found := FUNCTIONS[name](sha256=digest)) is not None:
                        wrong.append(f"it gives {found!r}")
                except files.FileGone:
                    pass
            if own_file(tmp_path) != before:
                wrong.append("the tenant's file is gone")
            cells.refused(f"{name}({digest!r}) in {other.slug}", *wrong)
    cells.assert_no_leak()

    with inside(callers.tenant):
        found = FUNCTIONS[name](sha256=stored)
        if hasattr(found, "close"):
            found.close()
    assert found is not None or own_file(tmp_path) != before


def test_the_same_content_is_kept_by_each_tenant_for_itself(
    stored: str, callers: Callers, tmp_path: Path
) -> None:
    cells = Cells("files")
    with inside(callers.neighbour):
        again = files.store([b"Hafenstra\xc3\x9fe"], limit=100)
        # Whether somebody has a document is nobody else's to learn.
        cells.refused("store", *([] if again.is_new else ["it tells that the tenant has it"]))
        files.delete(stored)
    wrong = [] if own_file(tmp_path) == [f"t_north/{stored[:2]}/{stored}"] else ["it is gone"]
    cells.refused("delete of the same content", *wrong)
    cells.assert_no_leak()


def test_the_files_that_are_named_are_the_tenants_own(stored: str, callers: Callers) -> None:
    cells, later = Cells("files"), timezone.now() + timedelta(days=1)
    for other in (callers.neighbour, callers.sandbox):
        with inside(other):
            named = [*files.stored_files(), *files.stored_before(later)]
        cells.refused(f"names in {other.slug}", *(f"it names {one}" for one in named))
    cells.assert_no_leak()

    assert [path.name for path in files.stored_files()] == [stored]
    assert list(files.stored_before(later)) == [stored]


def test_without_a_tenant_there_are_no_files(database: None) -> None:
    with pytest.raises(NoTenant):
        files.path_of("0" * 64)


def test_every_function_of_the_store_is_tried() -> None:
    assert set(FUNCTIONS) - BY_NAME == set(NAMELESS), (
        "name the file by an argument `sha256`, or say in NAMELESS why it reaches no other tenant's"
    )


def test_every_place_that_opens_files_is_known() -> None:
    found = set(sources.calls(*OPENING))

    assert found - set(OPENS) == set(), (
        "keep tenants' files by tenants.files; for others say in OPENS why they are no tenant's"
    )
    assert set(OPENS) - found == set(), "these open nothing any more: take them out"


def test_only_the_store_knows_where_tenants_files_lie() -> None:
    known = {
        (path, root)
        for path, tree in sources.trees().items()
        for root in ROOTS
        if root in sources.names(tree)
    }

    assert known == KNOW_A_ROOT
