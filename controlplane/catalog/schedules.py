"""Schedules as cron expressions of five fields, and n8n's own way to say the same."""

import re
from typing import Any

from django.utils.translation import gettext as _

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_PART = re.compile(r"(\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")


def checked(value: Any) -> str:
    """The expression, single-spaced. Raises ValueError with what follows the field's name."""
    if not isinstance(value, str) or len(value) > 100:
        raise ValueError("must be a cron expression such as 0 8 * * 1-5")
    fields = value.split()
    if len(fields) != len(_RANGES):
        raise ValueError(
            "must have five parts: minute, hour, day, month, weekday, as in 0 8 * * 1-5"
        )
    for field, (least, most) in zip(fields, _RANGES, strict=True):
        for part in field.split(","):
            _check_part(part, least, most)
    return " ".join(fields)


def _check_part(part: str, least: int, most: int) -> None:
    found = _PART.fullmatch(part)
    if found is None:
        raise ValueError(f"has “{part[:20]}”, which is no part of a cron expression")
    numbers = [int(n) for n in (found[2], found[3]) if n is not None]
    if any(not least <= n <= most for n in numbers) or numbers != sorted(numbers):
        raise ValueError(f"has “{part}”, which is not within {least} to {most}")
    if found[4] is not None and int(found[4]) < 1:
        raise ValueError(f"has “{part}”, whose step is zero")


def from_n8n(rule: Any) -> str | None:
    """A trigger's `rule` or `triggerTimes` as one expression; None where none says the same."""
    if not isinstance(rule, dict):
        return None
    of_item = _of_schedule if "interval" in rule else _of_cron
    items = rule.get("interval", rule.get("item"))
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
        return None
    try:
        return checked(of_item(items[0]))
    except (TypeError, ValueError, OverflowError):
        return None


def _of_schedule(item: dict[str, Any]) -> str | None:
    """An `interval` of the Schedule Trigger, with the defaults that n8n leaves out."""
    minute, hour = item.get("triggerAtMinute", 0), item.get("triggerAtHour", 0)
    match item.get("field", "days"):
        case "cronExpression":
            return _without_seconds(item.get("expression"))
        # What does not divide the hour or the day, n8n counts from the last run on.
        case "minutes":
            return f"*/{_divisor(item.get('minutesInterval', 5), 60)} * * * *"
        case "hours":
            return f"{minute} */{_divisor(item.get('hoursInterval', 1), 24)} * * *"
        case "days" if item.get("daysInterval", 1) == 1:
            return f"{minute} {hour} * * *"
        case "weeks" if item.get("weeksInterval", 1) == 1:
            days = ",".join(str(day) for day in item.get("triggerAtDay", [0]))
            return f"{minute} {hour} * * {days or '*'}"
        case "months" if item.get("monthsInterval", 1) == 1:
            return f"{minute} {hour} {item.get('triggerAtDayOfMonth', 1)} * *"
    return None


def _of_cron(item: dict[str, Any]) -> str | None:
    """An `item` of the old Cron node, with the defaults that n8n leaves out."""
    minute, hour = item.get("minute", 0), item.get("hour", 14)
    match item.get("mode", "everyDay"):
        case "custom":
            return _without_seconds(item.get("cronExpression"))
        case "everyMinute":
            return "* * * * *"
        case "everyHour":
            return f"{minute} * * * *"
        case "everyX" if item.get("unit", "hours") == "minutes":
            return f"*/{_step(item.get('value', 2), 60)} * * * *"
        case "everyX" if item.get("unit", "hours") == "hours":
            # At a minute that n8n draws by lot.
            return f"0 */{_step(item.get('value', 2), 24)} * * *"
        case "everyDay":
            return f"{minute} {hour} * * *"
        case "everyWeek":
            return f"{minute} {hour} * * {item.get('weekday', '1')}"
        case "everyMonth":
            return f"{minute} {hour} {item.get('dayOfMonth', 1)} * *"
    return None


def _without_seconds(expression: Any) -> str | None:
    """n8n's may begin with the second, which says nothing unless it is more than one."""
    fields = str(expression or "").split()
    if len(fields) == len(_RANGES) + 1:
        second, *fields = fields
        if not re.fullmatch(r"\d{1,2}", second):
            return None
    return " ".join(fields)


def _step(value: Any, below: int) -> int:
    """Raises ValueError where a cron step would say something else."""
    number = int(value)
    if isinstance(value, bool) or number != float(value) or not 1 <= number < below:
        raise ValueError(f"is no step below {below}")
    return number


def _divisor(value: Any, of: int) -> int:
    number = _step(value, of)
    if of % number:
        raise ValueError(f"does not divide {of}")
    return number


WEEKDAYS = "1-5"


def in_words(expression: str) -> str:
    """The usual ones as people say them; any other as it is."""
    minute, hour, day, month, weekday = expression.split()
    if month != "*":
        return expression
    if hour == day == weekday == "*" and (every := re.fullmatch(r"\*/(\d+)", minute)):
        return _("every %(n)s minutes") % {"n": every[1]}
    if not (minute.isdigit() and hour.isdigit()):
        return expression
    at = {"time": f"{int(hour):02d}:{int(minute):02d}", "day": day}
    if day == weekday == "*":
        return _("every day at %(time)s") % at
    if day == "*" and weekday == WEEKDAYS:
        return _("on weekdays at %(time)s") % at
    if weekday == "*" and day.isdigit():
        return _("on day %(day)s of each month at %(time)s") % at
    return expression
