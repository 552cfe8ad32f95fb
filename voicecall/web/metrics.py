"""What does Prometheus get to see? Counts and times of this process, under bounded labels only.

No label is ever a number, the id of a call or a free text: every value comes from a set that this
program defines, and what is in none of them is ``other``.
https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import logging
from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from voicecall import __version__
from voicecall.errors import CapacityExceeded, Draining, PolicyRefused
from voicecall.media.counters import MediaCounters
from voicecall.model.call import Direction, TurnTiming
from voicecall.model.call_events import CallEvent, CallFinished, TurnTimed
from voicecall.rpc.faults import fault_of
from voicecall.rpc.methods import METHODS
from voicecall.service import Service
from voicecall.web.prober import Reached, Verdict
from voicecall.webhooks.gate import GateCounters

logger = logging.getLogger(__name__)

CONTENT_TYPE = CONTENT_TYPE_LATEST
OTHER = "other"
REFUSALS = (
    *("policy.destination", "policy.doNotCall", "policy.quietHours", "policy.rate"),
    *("policy.session", "policy.spend", "capacity", "draining", OTHER),
)
_DIALLING = ("voicecall.initiate", "voicecall.start")
_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0, 5.0, 10.0, 30.0)

_STEPS: Mapping[str, tuple[str, str]] = {
    "turn": ("speech_ended_at", "first_heard_at"),
    "listen": ("speech_ended_at", "transcript_at"),
    "reply": ("transcript_at", "reply_started_at"),
    "synthesis": ("reply_started_at", "first_audio_at"),
    "frame": ("first_audio_at", "first_frame_at"),
    "delivery": ("first_frame_at", "first_heard_at"),
}
"""Step → the times of `TurnTiming` between which it lies; as `voicecall.latency` has them."""

STEPS = tuple(_STEPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the rest of the process counts by itself; looked at when somebody asks.

    Args:
        media: what media sessions carried.
        webhooks: how webhooks ended.
        streams: how many media sockets are open.
        refused_streams: how many were refused, by HTTP status.
        refused: how many HTTP requests were, by listener and status.
        reach: what is known of the public URL.
    """

    media: MediaCounters = field(default_factory=MediaCounters)
    webhooks: Callable[[], GateCounters] = GateCounters
    streams: Callable[[], int] = int
    refused_streams: Callable[[], Mapping[int, int]] = Counts
    refused: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    reach: Callable[[], Verdict | None] = lambda: None


class Metrics:
    """Counts what passes, and shows it.

    Args:
        service: its calls.
        sources: what others count.
    """

    def __init__(self, service: Service, sources: Sources) -> None:
        self._service = service
        self._registry = CollectorRegistry(auto_describe=True)
        self._registry.register(_Snapshot(service, sources))
        ProcessCollector(registry=self._registry)
        self._calls = self._counter("calls", "Calls that ended.", "direction", "mode", "outcome")
        self._requests = self._counter("rpc_requests", "Requests of methods.", "method", "result")
        self._refusals = self._counter("dials_refused", "Calls that were not placed.", "reason")
        self._turns = Histogram(
            "voicecall_turn_seconds",
            "The steps of a turn, from the end of the caller's speech to our first audio.",
            ("step",),
            buckets=_SECONDS,
            registry=self._registry,
        )

    def page(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)

    def asked(self, name: str, error: Exception | None) -> None:
        """Count a request for method `name`, and why it failed."""
        result = "ok" if error is None else fault_of(error).kind
        self._requests.labels(name if name in METHODS else OTHER, result).inc()
        reason = None if error is None or name not in _DIALLING else refusal_reason(error)
        if reason is not None:
            self._refusals.labels(reason).inc()

    async def follow(self) -> None:
        """Count what happens to calls, for ever; what goes wrong costs a count, never a call."""
        while True:
            async with self._service.watch() as events:
                async for event in events:
                    try:
                        await self._note(event)
                    except Exception:
                        logger.exception("an event is missing from the metrics")

    async def _note(self, event: CallEvent) -> None:
        if isinstance(event, TurnTimed):
            self._time(event.timing)
        elif isinstance(event, CallFinished):
            await self._count(event)

    async def _count(self, event: CallFinished) -> None:
        record = await self._service.find(event.call_id)
        if record is not None:
            self._calls.labels(record.direction, record.mode, event.state).inc()

    def _time(self, turn: TurnTiming) -> None:
        for step, (first, last) in _STEPS.items():
            start, end = getattr(turn, first), getattr(turn, last)
            if start is not None and end is not None and end >= start:
                self._turns.labels(step).observe(end - start)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"voicecall_{name}", text, labels, registry=self._registry)


def refusal_reason(error: Exception) -> str | None:
    """Why a call was not placed, as a label; None: it was no refusal of ours."""
    if isinstance(error, PolicyRefused):
        return error.reason if error.reason in REFUSALS else OTHER
    if isinstance(error, CapacityExceeded):
        return "capacity"
    return "draining" if isinstance(error, Draining) else None


class _Snapshot(Collector):
    """What is so at this moment."""

    def __init__(self, service: Service, sources: Sources) -> None:
        self._service = service
        self._sources = sources

    def describe(self) -> Iterator[Metric]:
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        """The families that are not counted here."""
        yield _gauge("build_info", "The version.", {__version__: 1.0}, "version")
        verdict = self._sources.reach()
        ready = self._service.ready and (verdict is None or verdict.ready)
        yield _gauge("ready", "Whether new calls are taken.", {"": float(ready)})
        live = Counts(record.direction for record in self._service.live_calls())
        shown = {direction.value: float(live[direction]) for direction in Direction}
        yield _gauge("live_calls", "Calls that go on.", shown, "direction")
        yield from self._webhooks()
        yield from self._streams()
        yield from self._refused()
        yield from self._reach()

    def _refused(self) -> Iterator[Metric]:
        text, labels = "Requests answered with an error.", ("listener", "status")
        family = CounterMetricFamily("voicecall_http_refused", text, labels=labels)
        for listener, statuses in self._sources.refused.items():
            for status, count in statuses.items():
                family.add_metric([listener, str(status)], count)
        yield family

    def _reach(self) -> Iterator[Metric]:
        verdict = self._sources.reach()
        if verdict is None:
            return
        shown = {each.value: float(verdict.reached is each) for each in Reached}
        yield _gauge("public_url", "Whether it leads to us.", shown, "status")
        changes = {"": float(verdict.changes)}
        yield _count("public_url_changes", "How often it was another.", changes)
        behind = {"": float(verdict.behind is not None)}
        yield _gauge("public_url_carrier_behind", "Whether the carrier has a former one.", behind)

    def _webhooks(self) -> Iterator[Metric]:
        counters = self._sources.webhooks()
        shown = {name: float(getattr(counters, name)) for name in GateCounters.__slots__}
        yield _count("webhooks", "Webhooks, by what became of them.", shown, "result")

    def _streams(self) -> Iterator[Metric]:
        open_now = {"": float(self._sources.streams())}
        yield _gauge("media_streams", "Media streams that are open.", open_now)
        refused = {str(code): float(n) for code, n in self._sources.refused_streams().items()}
        yield _count("media_streams_refused", "Refused media handshakes.", refused, "status")
        counts = self._sources.media.snapshot()
        dropped, latest = counts.pop("dropped_audio_ms"), counts.pop("pacing_error_max_ms")
        yield _count("media_dropped_audio_seconds", "Heard too late.", {"": dropped / 1000})
        yield _gauge("media_latest_frame_seconds", "The latest ever sent.", {"": latest / 1000})
        failed = {
            "stt": counts.pop("recognition_failures"),
            "tts": counts.pop("synthesis_failures"),
        }
        yield _count("speech_failures", "Failures of speech backends.", failed, "kind")
        for name, value in counts.items():
            yield _count(f"media_{name}", f"{name.replace('_', ' ')} of media streams", {"": value})


def _gauge(name: str, text: str, values: Mapping[str, float], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"voicecall_{name}", text, labels=labels)
    for label, value in values.items():
        family.add_metric([label] if labels else [], value)
    return family


def _count(name: str, text: str, values: Mapping[str, float], *labels: str) -> Metric:
    family = CounterMetricFamily(f"voicecall_{name}", text, labels=labels)
    for label, value in values.items():
        family.add_metric([label] if labels else [], value)
    return family
