"""What npm would publish: what n8n needs of the pack, and nothing else."""

import json
import tarfile

import pytest

from controlplane.nodes.registry import all_operations
from deploy.n8n_nodes import build

pytestmark = pytest.mark.e2e
LARGEST = 200_000


@pytest.fixture(scope="module")
def packed() -> dict[str, bytes]:
    with tarfile.open(build.pack()) as tar:
        found = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name.removeprefix("package/"): file.read() for name, file in found.items() if file}


def test_it_holds_what_is_compiled_and_no_sources(packed: dict[str, bytes]) -> None:
    outside = {name for name in packed if not name.startswith("dist/")}

    assert outside == {"package.json", "README.md", "LICENSE"}
    assert [name for name in packed if name.endswith((".ts", ".map", ".tsbuildinfo"))] == []
    assert sum(map(len, packed.values())) < LARGEST


def test_it_holds_every_node_credential_and_icon(packed: dict[str, bytes]) -> None:
    manifest = json.loads(packed["package.json"])

    assert {*manifest["n8n"]["nodes"], *manifest["n8n"]["credentials"]} <= set(packed)
    for node in ("Pergola", "PergolaTrigger"):
        assert f"dist/nodes/{node}/{node}.node.json" in packed
    assert {"dist/icons/pergola.svg", "dist/icons/pergola.dark.svg"} <= set(packed)


def test_it_brings_nothing_along_and_runs_nothing_when_installed(packed: dict[str, bytes]) -> None:
    manifest = json.loads(packed["package.json"])

    assert "dependencies" not in manifest
    assert set(manifest["peerDependencies"]) == {"n8n-workflow"}
    assert not {"preinstall", "install", "postinstall", "prepare"} & set(manifest["scripts"])


def test_every_operation_is_in_it(packed: dict[str, bytes]) -> None:
    code = b"".join(text for name, text in packed.items() if name.endswith(".js")).decode()

    assert [one.key for one in all_operations() if f"'{one.path}'" not in code] == []
