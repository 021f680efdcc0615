"""Importing an export: read, clean, and say what it needs and what is lost."""

from typing import Any

from controlplane.workflow.importer import needs
from controlplane.workflow.importer.cleaning import Cleaner
from controlplane.workflow.importer.proposals import proposals
from controlplane.workflow.importer.result import Imported
from controlplane.workflow.reading import Held, Read, read
from controlplane.workflow.shapes import Json


def import_export(source: bytes | str | Json | list[Any]) -> list[Imported]:
    """Every workflow of an export, cleaned. Raises WorkflowUnreadable.

    Importing what was imported changes nothing more.
    """
    held = Held()
    return [_imported(found, held) for found in read(source)]


def _imported(found: Read, held: Held) -> Imported:
    workflow = found.workflow
    removals = Cleaner(workflow, held).clean()
    return Imported(
        workflow=workflow,
        removals=tuple(removals),
        proposals=proposals(workflow),
        connections=needs.connections(workflow, removals),
        packages=needs.packages(workflow),
        not_carried=needs.not_carried(workflow, removals, found.loose),
        notes=found.notes,
        loose=found.loose,
        mended=found.mended,
    )
