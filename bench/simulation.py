"""Simulating rules on recorded orders, against `cel-python` on the same rules.

Orders of five lines are decided live in a tenant's schema of the embedded PostgreSQL by a set of
ten rules, with limits that most pass and some do not. Then a simulation of the same rules judges
all of them again, from the rows: every flip is a mismatch between live and simulation.
`cel-python` evaluates the same ten rules on the same recorded inputs, conversion included, in
alternation; it reads no row and keeps nothing. Both run on one core, and their own
processor time counts.

Last, the rules that come closest to the bound on cost are timed on the largest input.
"""

import io
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.run import Report

NEEDS_DATA = False
ROOT = Path(__file__).resolve().parent.parent
SLUG = "bench"
ORDERS = 6000
PEERS_ORDERS = 100
ROUNDS = 5
LINES = 5
# Each near the bound: what a tenant could publish at the worst.
HEAVY = (
    "order.lines.map(l, l.quantity).size() > 900",
    "order.lines.map(l, l.quantity > 0, l.quantity).size() > 900",
    "order.lines.all(l, l.sku.matches('^[A-Za-z]+-?[0-9]*$') && l.title.matches('^(a|b|M|o)+'))",
    "order.tags.filter(t, t != 'x').size() > 900",
    "(order.lines.map(l, l.sku) + order.lines.map(l, l.title)).size() > 9000",
    "order.lines.exists(l, l.title.contains('zz') || l.sku.endsWith('zz') || l.quantity in "
    "[901, 902, 903, 904, 905, 906, 907, 908])",
)


def run(data: Path, report: Report) -> dict[str, Any]:
    with _tenant():
        from controlplane.policies.models import Decision

        live = _decide(ORDERS)
        report.say(f"{ORDERS} orders of {LINES} lines were decided, {live:,.0f} a second")
        inputs = list(Decision.objects.values_list("input", "parameters")[:PEERS_ORDERS])
        ours, theirs, flips = _race(inputs, report)
        worst = _worst(report)
    return {
        "orders_per_core_second": round(ours),
        "mismatches": flips,
        "cel_python_orders_per_second": round(theirs, 1),
        "ratio": round(ours / theirs, 1),
        "worst_rule_ms": round(worst, 1),
    }


def _decide(count: int) -> float:
    """Live, one by one, as a review does. Returns how many a second."""
    from dataclasses import replace

    from controlplane.core.actor import system
    from controlplane.core.models import new_id
    from controlplane.orders.contexts import _SAMPLE, CONTEXT, facts_of
    from controlplane.policies.models import Policy
    from controlplane.policies.services import evaluate, seed_policy

    by = system("bench")
    Policy.objects.update(is_active=False)
    seed_policy(context=CONTEXT, slug="ten", title="Ten rules", rules=_rules(), by=by)
    line = _SAMPLE.lines[0]
    began = time.perf_counter()
    for number in range(count):
        lines = tuple(
            replace(line, sku=f"ROPE-{number}-{index}", quantity=(number * 7 + index) % 100 + 1)
            for index in range(LINES)
        )
        facts = facts_of(replace(_SAMPLE, number=f"#{number}", lines=lines))
        order = facts["order"]
        order["total"]["minor"] = number * 97 % 600_000
        order["ship_to"]["country"] = ("DE", "AT", "PL")[number % 3]
        order["adds_up"] = number % 50 != 0
        evaluate(
            context=CONTEXT, subject_type="order", subject_id=new_id(), data=facts,
            parameters={}, event_id=None, by=by,
        )  # fmt: skip
    return count / (time.perf_counter() - began)


def _rules() -> list[dict[str, str]]:
    """Six of those that a tenant starts with, and four with the limits that its parameters name:
    cel-python compares no map with null, by which a rule asks whether a limit is set.
    """
    from controlplane.orders.default_policy import RULES

    limits = {
        "over_limit": "order.currency == 'EUR' && order.total.minor > 500000",
        "no_limit_for_currency": "order.currency != 'EUR' && order.total.minor > 500000",
        "large_quantity": "order.lines.exists(l, l.quantity > 90)",
        "foreign_country": "order.has_ship_to && "
        "!(order.ship_to.country in ['DE', 'AT', 'CH', 'FR'])",
    }
    return [
        *RULES[3:9],
        *(
            {"code": code, "verdict": "hold", "expression": rule, "message": "{order.number}"}
            for code, rule in limits.items()
        ),
    ]


def _race(
    inputs: list[tuple[dict[str, Any], dict[str, Any]]], report: Report
) -> tuple[float, float, int]:
    """Orders a second of processor time, ours and theirs, and how many decisions differ."""
    programs = _their_programs()
    ours, theirs, flips = [], [], 0
    for number in range(ROUNDS):
        began = time.process_time()
        run_ = _simulate()
        seconds = time.process_time() - began
        ours.append(run_.done / seconds)
        flips += run_.flips
        report.row(name="pergola", round=number, orders=run_.done, cpu_seconds=seconds)
        began = time.process_time()
        for facts, parameters in inputs:
            _theirs(programs, {**facts, "params": parameters})
        seconds = time.process_time() - began
        theirs.append(len(inputs) / seconds)
        report.row(name="cel-python", round=number, orders=len(inputs), cpu_seconds=seconds)
    medians = statistics.median(ours), statistics.median(theirs)
    report.table(
        f"Ten rules on orders of {LINES} lines (median of {ROUNDS}, in alternation)",
        ["who", "orders/s of one core", "slowest", "fastest"],
        [
            ["pergola, from and to rows", medians[0], min(ours), max(ours)],
            ["cel-python, in memory", medians[1], min(theirs), max(theirs)],
        ],
    )
    return (*medians, flips)


def _simulate() -> Any:
    from controlplane.core.actor import system
    from controlplane.policies.models import Policy
    from controlplane.policies.services import start_simulation

    run_ = start_simulation(
        policy=Policy.objects.get(slug="ten"), at_once_up_to=10**9, by=system("bench")
    )
    if run_.done != ORDERS:
        raise RuntimeError(f"{run_.done} of {ORDERS} decisions were judged: {run_.error}")
    return run_


def _their_programs() -> list[Any]:
    import celpy

    environment = celpy.Environment()
    return [environment.program(environment.compile(rule["expression"])) for rule in _rules()]


def _theirs(programs: list[Any], facts: dict[str, Any]) -> None:
    import celpy

    activation = celpy.json_to_cel(facts)
    for program in programs:
        program.evaluate(activation)


def _worst(report: Report) -> float:
    """Milliseconds of the slowest rule that may be published, on the largest input."""
    from controlplane.orders.contexts import CONTEXT
    from controlplane.policies.contexts import get_context
    from controlplane.policies.engine import Facts, compiled
    from controlplane.policies.grammar import RuleInvalid
    from controlplane.policies.services import check_rule

    context = get_context(CONTEXT)
    facts = Facts({**context.largest, "params": context.with_defaults({})})
    rows = []
    for expression in HEAVY:
        try:
            cost = check_rule(context=CONTEXT, expression=expression, message="heavy")
        except RuleInvalid as refused:
            rows.append([expression[:60], refused.code, 0.0])
            continue
        program, taken = compiled(expression), []
        for _try in range(ROUNDS):
            began = time.thread_time()
            facts.satisfy(program)
            taken.append(1000 * (time.thread_time() - began))
        rows.append([expression[:60], f"{cost:,.0f}", statistics.median(taken)])
        report.row(name="heavy rule", rule=expression, cost=cost, ms=statistics.median(taken))
    report.table("Heavy rules on the largest order", ["rule", "cost", "ms"], rows)
    return max(row[2] for row in rows)


@contextmanager
def _tenant() -> Iterator[None]:
    """One tenant on an embedded PostgreSQL of this bench's own, entered."""
    from deploy.embedded.progress import Silent
    from deploy.embedded.stack import Stack

    var = ROOT / "var" / "bench-simulation"
    shutil.rmtree(var, ignore_errors=True)  # what an earlier run published is not measured
    (ROOT / "var" / "static").mkdir(parents=True, exist_ok=True)
    stack = Stack(ROOT, var=var, durable=False, reporter=Silent(), environ={})
    with stack:
        stack.start(n8n=False)
        os.environ.update(
            stack.environment(),
            DJANGO_SETTINGS_MODULE="controlplane.settings",
            DATABASE_POOL="false",
            LOG_LEVEL="ERROR",
        )
        import django

        django.setup()
        from django.core.management import call_command

        from controlplane.core.actor import system
        from tenants.context import inside
        from tenants.lookup import tenant_by_slug
        from tenants.models import Partner
        from tenants.provisioning import provision_tenant, start_tenant

        with io.StringIO() as unread:
            call_command("migrate_fleet", stdout=unread)
        partner, _new = Partner.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
        provision_tenant(start_tenant(slug=SLUG, name="Bench", partner=partner), by=system("b"))
        with inside(tenant_by_slug(SLUG)):
            yield
