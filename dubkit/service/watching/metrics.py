"""What the service measures, as Prometheus reads it: jobs and workers out of the database, requests of this process.

Workers are other processes, and there may be several servers: what is told of jobs comes from the database that they share, at
the moment when it is asked for. Every label has few values: languages, stages, error classes, and routes' templates.
"""

from __future__ import annotations

import functools
import logging
import math
import time
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import dubkit
from dubkit.errors import DubkitError
from dubkit.record import Seconds
from dubkit.service.jobs.figures import Counts, StageTimes

if TYPE_CHECKING:
    from dubkit.service.service import Service

log = logging.getLogger(__name__)

# When each series began is of no use here, and would be half of all that is told.
disable_created_metrics()

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

FRESH: Seconds = 2.0
"""For how long what was counted in the database is told again."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds of requests: the longest bring films."""


def exposition(service: Service) -> bytes:
    """All measures in Prometheus' text format; without those of jobs where the database does not answer."""
    shared = CollectorRegistry(auto_describe=False)
    shared.register(_Shared(_counted(service, int(time.monotonic() / FRESH))))
    return generate_latest(shared) + generate_latest(REQUESTS.registry)


@functools.lru_cache(maxsize=4)
def _counted(service: Service, moment: int) -> tuple[Counts, dict[str, float]] | None:
    try:
        return service.jobs.counts(), service.jobs.paces()
    except DubkitError as error:
        log.warning("jobs cannot be counted", extra={"error": str(error)})
        return None


class _Shared(Collector):
    """What the database tells; None where it does not answer."""

    def __init__(self, counted: tuple[Counts, dict[str, float]] | None) -> None:
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("dubkit_database_up", "Whether the database answers.", float(self._counted is not None))
        if self._counted is None:
            return
        counts, paces = self._counted
        jobs = GaugeMetricFamily(
            "dubkit_jobs", "Jobs that are kept, by state and languages.", labels=("status", "source", "target")
        )
        for (status, source, target), n_jobs in sorted(counts.jobs.items()):
            jobs.add_metric((status, source or "unknown", target), n_jobs)
        errors = CounterMetricFamily(
            "dubkit_errors", "Attempts at jobs that failed, by stage and error.", labels=("stage", "type")
        )
        for (stage, kind), n_errors in sorted(counts.errors.items()):
            errors.add_metric((stage or "none", kind), n_errors)
        seconds = HistogramMetricFamily(
            "dubkit_stage_seconds", "How long stages took that were not found done.", labels=("stage",)
        )
        pace = GaugeMetricFamily(
            "dubkit_stage_pace_ratio", "Seconds of work per second of film, of the last films.", labels=("stage",)
        )
        for stage, times in counts.stages.items():
            seconds.add_metric((stage,), _buckets(times), times.total)
            pace.add_metric((stage,), paces[stage])
        yield from (jobs, errors, seconds, pace)
        yield GaugeMetricFamily("dubkit_active_jobs", "Jobs at work.", counts.active)
        yield GaugeMetricFamily("dubkit_waiting_jobs", "Jobs in the queue.", counts.waiting)
        yield GaugeMetricFamily("dubkit_workers", "Workers that were heard of lately.", counts.workers)


def _buckets(times: StageTimes) -> list[tuple[str, float]]:
    """Prometheus' buckets: each holds those below it."""
    bounds = sorted(times.counts)
    labels = ["+Inf" if math.isinf(bound) else str(bound) for bound in bounds]
    return list(zip(labels, accumulate(times.counts[bound] for bound in bounds), strict=True))


class Requests:
    """What this process counts of the requests that it answers."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self.answered = Counter("dubkit_http_requests", "Requests answered.", labels, registry=self.registry)
        self.seconds = Histogram(
            "dubkit_http_request_duration_seconds",
            "How long requests took.",
            ("route", "method"),
            buckets=BOUNDS,
            registry=self.registry,
        )
        self.uploaded = Counter("dubkit_upload_bytes", "Bytes of films that came in.", registry=self.registry)
        Info("dubkit_build", "The version that runs.", registry=self.registry).info({"version": dubkit.__version__})


REQUESTS = Requests()
"""Of this process."""


class Counted:
    """ASGI middleware that counts requests by route, method and status, and the bytes of films as they come in."""

    def __init__(self, app: ASGIApp, requests: Requests = REQUESTS) -> None:
        self.app, self.requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status, brings = time.perf_counter(), 500, "/upload" in scope["path"]

        async def take() -> Message:
            message = await receive()
            if brings and message["type"] == "http.request":
                self.requests.uploaded.inc(len(message.get("body", b"")))
            return message

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, take, answer)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            route = template(scope)
            self.requests.answered.labels(route, method, str(status)).inc()
            self.requests.seconds.labels(route, method).observe(time.perf_counter() - begun)


def template(scope: Scope) -> str:
    """The route that answered a request, with its parameters unfilled; ``none`` where there was no such route."""
    # Where routers are part of others, FastAPI keeps the whole path of a route in a context of its own.
    context = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(context or scope.get("route"), "path", None)
    return f"{scope.get('root_path', '')}{path}" if isinstance(path, str) else "none"
