"""All measures as Prometheus reads them."""

from collections.abc import Callable, Iterable, Iterator

from django.conf import settings
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from controlplane.core import measures
from controlplane.core.measures import SEPARATOR, TENANT, Counter, Family, Gauge, Histogram, Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHERS = "other"
"""Stands for all tenants beyond METRICS_MAX_TENANTS."""

Samples = dict[tuple[str, ...], float]
# By the gauge's name; of every tenant, as it was found inside the last time.
OfTenants = dict[str, list[Sample]]


def exposition(of_tenants: OfTenants) -> bytes:
    """Text of the version 0.0.4. Asks Redis once, and once for each gauge that is not of tenants.

    Raises RedisError.
    """
    collected = CollectorRegistry(auto_describe=False)
    collected.register(_Collector(measures.counted(), of_tenants))
    return generate_latest(collected)


class _Collector:
    def __init__(self, counted: dict[str, float], of_tenants: OfTenants) -> None:
        self._counted: dict[str, Samples] = {}
        for name, amount in counted.items():
            family, *labels = name.split(SEPARATOR)
            self._counted.setdefault(family, {})[tuple(labels)] = amount
        self._of_tenants = of_tenants

    def collect(self) -> Iterator[Metric]:
        for family in measures.declared().values():
            if isinstance(family, Counter):
                yield self._counter(family)
            elif isinstance(family, Histogram):
                yield self._histogram(family)
            elif isinstance(family, Gauge):
                yield self._gauge(family)

    def _counter(self, family: Counter) -> Metric:
        metric = CounterMetricFamily(family.name, family.about, labels=family.labels)
        fitting = _fitting(self._counted.get(family.name, {}), len(family.labels))
        for labels, amount in bounded(family, fitting, sum).items():
            metric.add_metric(labels, amount)
        return metric

    def _histogram(self, family: Histogram) -> Metric:
        metric = HistogramMetricFamily(family.name, family.about, labels=family.labels)
        found: dict[tuple[str, ...], dict[str, float]] = {}
        for (*labels, bucket), amount in _fitting(
            self._counted.get(family.name, {}), len(family.labels) + 1
        ).items():
            found.setdefault(tuple(labels), {})[bucket] = amount
        for named, amounts in found.items():
            total, buckets = 0.0, []
            for bucket in [*map(str, family.buckets), "+Inf"]:
                total += amounts.get(bucket, 0)
                buckets.append((bucket, total))
            metric.add_metric(named, buckets, amounts.get("sum", 0))
        return metric

    def _gauge(self, family: Gauge) -> Metric:
        metric = GaugeMetricFamily(family.name, family.about, labels=family.labels)
        samples = family.read() if family.read else self._of_tenants.get(family.name, [])
        found = {tuple(labels): value for labels, value in samples}
        for labels, value in bounded(family, found, family.together).items():
            metric.add_metric(labels, value)
        return metric


def bounded(
    family: Family, samples: Samples, together: Callable[[Iterable[float]], float]
) -> Samples:
    """With no more tenants than METRICS_MAX_TENANTS; the rest is one called `other`.

    The ones that came first stay (ids are ordered by time): a counter that moved between its own
    name and `other` would seem to begin anew.
    """
    if TENANT not in family.labels:
        return samples
    place = family.labels.index(TENANT)
    tenants = sorted({labels[place] for labels in samples})
    named = set(tenants[: settings.METRICS_MAX_TENANTS])
    if len(named) == len(tenants):
        return samples
    gathered: dict[tuple[str, ...], list[float]] = {}
    for labels, value in samples.items():
        if labels[place] not in named:
            labels = (*labels[:place], OTHERS, *labels[place + 1 :])
        gathered.setdefault(labels, []).append(value)
    return {labels: together(values) for labels, values in gathered.items()}


def _fitting(samples: Samples, count: int) -> Samples:
    """Without what an older release counted by other labels."""
    return {labels: amount for labels, amount in samples.items() if len(labels) == count}
