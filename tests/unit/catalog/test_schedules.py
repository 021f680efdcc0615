"""What n8n's triggers say, as one cron expression: read as n8n reads it, or not at all."""

from typing import Any

import pytest

from controlplane.catalog.importing import offered
from controlplane.catalog.schedules import from_n8n
from controlplane.workflow.importer.importing import import_export
from tests.factories.workflows import named

CRON: list[tuple[dict[str, Any], str | None]] = [
    ({}, "0 14 * * *"),
    ({"hour": 9}, "0 9 * * *"),
    ({"minute": 30}, "30 14 * * *"),
    ({"mode": "everyDay", "hour": 7, "minute": 5}, "5 7 * * *"),
    ({"mode": "everyMinute"}, "* * * * *"),
    ({"mode": "everyHour"}, "0 * * * *"),
    ({"mode": "everyHour", "minute": 20}, "20 * * * *"),
    ({"mode": "everyWeek", "hour": 10}, "0 10 * * 1"),
    ({"mode": "everyWeek", "weekday": "0"}, "0 14 * * 0"),
    ({"mode": "everyMonth"}, "0 14 1 * *"),
    ({"mode": "everyMonth", "dayOfMonth": 15, "hour": 3}, "0 3 15 * *"),
    ({"mode": "everyX"}, "0 */2 * * *"),
    ({"mode": "everyX", "value": 6}, "0 */6 * * *"),
    ({"mode": "everyX", "unit": "minutes", "value": 7}, "*/7 * * * *"),
    ({"mode": "everyX", "unit": "minutes", "value": 90}, None),
    ({"mode": "everyX", "unit": "hours", "value": 48}, None),
    ({"mode": "everyX", "value": 0}, None),
    ({"mode": "custom"}, None),
    ({"mode": "custom", "cronExpression": "0 0 8 * * 1-5"}, "0 8 * * 1-5"),
    ({"mode": "custom", "cronExpression": "0 8 * * 1-5"}, "0 8 * * 1-5"),
    ({"mode": "custom", "cronExpression": "*/10 * * * * *"}, None),
    ({"mode": "somehow"}, None),
]
SCHEDULE: list[tuple[dict[str, Any], str | None]] = [
    ({}, "0 0 * * *"),
    ({"triggerAtHour": 8}, "0 8 * * *"),
    ({"field": "days", "daysInterval": 2}, None),
    ({"field": "seconds"}, None),
    ({"field": "minutes"}, "*/5 * * * *"),
    ({"field": "minutes", "minutesInterval": 15}, "*/15 * * * *"),
    ({"field": "minutes", "minutesInterval": 90}, None),
    ({"field": "minutes", "minutesInterval": 50}, None),
    ({"field": "minutes", "minutesInterval": "={{ 5 }}"}, None),
    ({"field": "minutes", "minutesInterval": True}, None),
    ({"field": "hours"}, "0 */1 * * *"),
    ({"field": "hours", "hoursInterval": 6, "triggerAtMinute": 10}, "10 */6 * * *"),
    ({"field": "hours", "hoursInterval": 18}, None),
    ({"field": "weeks", "triggerAtDay": [1, 3], "triggerAtHour": 9}, "0 9 * * 1,3"),
    ({"field": "weeks", "triggerAtDay": []}, "0 0 * * *"),
    ({"field": "months"}, "0 0 1 * *"),
    ({"field": "months", "monthsInterval": 3}, None),
    ({"field": "cronExpression", "expression": "30 6 * * 1-5"}, "30 6 * * 1-5"),
    ({"field": "cronExpression", "expression": "15 30 6 * * 1-5"}, "30 6 * * 1-5"),
    ({"field": "cronExpression", "expression": "*/10 * * * * *"}, None),
    ({"field": "cronExpression", "expression": "1,31 * * * * *"}, None),
    ({"field": "cronExpression", "expression": "0 15 * 1 sun"}, None),
    ({"field": "cronExpression"}, None),
]


@pytest.mark.parametrize(("item", "expression"), CRON)
def test_an_item_of_the_cron_node(item: dict[str, Any], expression: str | None) -> None:
    assert from_n8n({"item": [item]}) == expression


@pytest.mark.parametrize(("item", "expression"), SCHEDULE)
def test_an_interval_of_the_schedule_trigger(item: dict[str, Any], expression: str | None) -> None:
    assert from_n8n({"interval": [item]}) == expression


@pytest.mark.parametrize("rule", [None, {}, {"item": []}, {"item": [{}, {}]}, {"interval": [7]}])
def test_several_and_none_are_no_expression(rule: Any) -> None:
    assert from_n8n(rule) is None


def test_a_real_one_is_proposed_as_it_runs() -> None:
    [found] = import_export(named("http-0745"))

    assert [s.default for s in offered(found.workflow) if s.type == "schedule"] == ["0 9 * * *"]
