"""A checkpoint of the tenant's chain."""

from controlplane.audit.checkpoints import make_checkpoint
from controlplane.audit.services import record
from tests.factories.events import ADA
from tests.factories.world import Part


def part(url: str) -> Part:
    data = {"why": "saltmarsh"}
    entry = record(action="order.seen", subject_type="order", subject_id="1", data=data, by=ADA)
    checkpoint = make_checkpoint()
    assert checkpoint is not None
    return Part(
        rows={
            "checkpoint_number": checkpoint.number,
            "sequence": entry.sequence,
            "mark": entry.mark,
        },
        tasks={"audit.send_checkpoint.number": "checkpoint_number"},
        secrets={"saltmarsh"},
    )
