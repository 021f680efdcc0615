"""Runs that failed before they called Pergola, so that nobody here knows their number.

A workflow on the Pergola Trigger gets its event before its run begins, and the run's number comes
with its first operation. Of a run that failed before that n8n alone knows, and the run's data says
which event it had. A run that crashed may have left no data: it is taken to be the event's that its
workflow got at that moment, where there is one such event and one such run.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from controlplane.events.models import Delivery, Event
from controlplane.instances.client import N8nClient
from controlplane.instances.client.executions import Execution, ExecutionStatus

# A run begins when its event is fetched, or later where n8n has much to do.
BEFORE, AFTER = timedelta(seconds=30), timedelta(minutes=15)
# Without data only what began at the same moment.
AT_THAT_MOMENT = timedelta(seconds=10)
# So many runs are read with their data each time.
READ = 50


def name_runs(
    deliveries: Sequence[Delivery], failed: Iterable[Execution], n8n: N8nClient
) -> list[Delivery]:
    """Those whose run failed, with its number in the event by now. Raises InstanceError.

    `deliveries` have none yet; `failed` are runs of n8n that failed, crashed or were stopped.
    """
    left = {(delivery.pk): delivery for delivery in deliveries}
    named: list[Delivery] = []
    runs = _unknown(failed)
    for run in [one for one in runs if _near(one, left.values(), BEFORE, AFTER)][:READ]:
        near = _near(run, left.values(), BEFORE, AFTER)
        found = _said(n8n.get_execution(run.id, with_data=True), near) or _alone(run, runs, near)
        if found is not None and _name(found, run):
            named.append(left.pop(found.pk))
    return named


def _unknown(runs: Iterable[Execution]) -> list[Execution]:
    """Those that are no event's yet. What was tried in the editor is nobody's."""
    listed = [run for run in runs if run.mode != "manual"]
    known = set(
        Event.objects.filter(execution_id__in=[run.id for run in listed]).values_list(
            "execution_id", flat=True
        )
    )
    return [run for run in listed if run.id not in known]


def _near(
    run: Execution, deliveries: Iterable[Delivery], before: timedelta, after: timedelta
) -> list[Delivery]:
    """What its workflow got about when it began."""
    began = run.started_at
    if began is None:
        return []
    return [
        one
        for one in deliveries
        if one.subscription is not None
        and one.subscription.workflow_id == run.workflow_id
        and -before <= began - _got(one) <= after
    ]


def _got(delivery: Delivery) -> datetime:
    at = delivery.claimed_at or delivery.delivered_at
    assert at is not None  # it was delivered
    return at


def _said(run: Execution, deliveries: list[Delivery]) -> Delivery | None:
    """The one that the run's data names: what a trigger hands on begins with its event."""
    by_id = {str(one.pk): one for one in deliveries}
    result = run.data.get("resultData") if isinstance(run.data, dict) else None
    nodes = result.get("runData") if isinstance(result, dict) else None
    for steps in nodes.values() if isinstance(nodes, dict) else ():
        for item in _items(steps):
            if found := by_id.get(str(item.get("delivery_id"))):
                return found
    return None


def _items(steps: object) -> Iterable[dict[str, object]]:
    """What a node handed on, as n8n keeps it: steps, outputs, items."""
    for step in steps if isinstance(steps, list) else ():
        data = step.get("data") if isinstance(step, dict) else None
        outputs = data.get("main") if isinstance(data, dict) else None
        for output in outputs if isinstance(outputs, list) else ():
            for item in output if isinstance(output, list) else ():
                if isinstance(item, dict) and isinstance(item.get("json"), dict):
                    yield item["json"]


def _alone(run: Execution, runs: list[Execution], deliveries: list[Delivery]) -> Delivery | None:
    if run.status != ExecutionStatus.CRASHED:
        return None
    then = _near(run, deliveries, AT_THAT_MOMENT, AT_THAT_MOMENT)
    if len(then) != 1:
        return None
    rivals = [one for one in runs if _near(one, then, AT_THAT_MOMENT, AT_THAT_MOMENT)]
    return then[0] if rivals == [run] else None


def _name(delivery: Delivery, run: Execution) -> bool:
    """Whether no run has called in the meantime."""
    named = Event.objects.filter(pk=delivery.event_id, execution_id="").update(
        execution_id=run.id, workflow_id=run.workflow_id
    )
    delivery.event.execution_id, delivery.event.workflow_id = run.id, run.workflow_id
    return bool(named)
