"""What is a carrier's live double? A REST API on loopback, and phones behind it."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Self

import anyio
import httpx
from anyio.abc import TaskGroup

from voicecall.sdk import Clock, Direction, SpeechBackends
from voicecall_conformance.phones.leg import Exchange, Leg, PhoneTools
from voicecall_conformance.phones.poster import Delivery, Disorder, Poster
from voicecall_conformance.phones.reach import Reach
from voicecall_conformance.vendor import RestAnswer, RestRequest, serving
from voicecall_mock.config import Backend, Phone
from voicecall_mock.network.studio import Studio

TONES = Backend(provider="tones")
RING_SECONDS = 30.0
LONGEST_SECONDS = 4 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a live double needs of the world.

    Args:
        clock: also paces the phones; its scale is the gateway's `time_scale`.
        speech: gives phones and carrier their voices and ears.
        phones: E.164 number → the phone behind it; others answer by the default script.
        number: the gateway's own number.
        webhook_url: the public URL that the number points at.
    """

    clock: Clock
    speech: SpeechBackends
    number: str
    webhook_url: str
    phones: Mapping[str, Phone] = field(default_factory=dict)
    voice: Backend = TONES
    ears: Backend = TONES
    disorder: Disorder = Disorder()
    webhook_timeout: float = 15.0
    logger: logging.Logger = logging.getLogger("voicecall.network")


class CarrierNetwork(ABC):
    """The live double of one carrier; a vendor's double translates the wire.

    Open it with `opened`, hand `section()` to the gateway as the provider's section, then
    `connect` it with the gateway's public listener.
    """

    name: ClassVar[str]
    """The provider, as the configuration writes it."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.base_url = ""
        """Where the REST API is; for `apiBaseUrl`."""
        self.legs: dict[str, Leg] = {}
        """Every call there ever was, by the carrier's id."""
        self.requests: list[RestRequest] = []
        """Every request to the REST API."""
        self.deliveries: list[Delivery] = []
        """Every try of every webhook."""
        self.faults: list[str] = []
        """What the gateway did that the carrier warns of, or ends calls for."""
        self.instead: Callable[[RestRequest], RestAnswer | None] = lambda request: None
        """Answers a request instead of the carrier, to have it fail; None: the carrier does."""
        self.reach = Reach()
        self.tasks: TaskGroup
        self.client: httpx.AsyncClient
        self.phone_tools: PhoneTools
        self._new_leg = anyio.Event()

    @classmethod
    @asynccontextmanager
    async def opened(cls, around: Surroundings) -> AsyncIterator[Self]:
        """The double, running until the block ends."""
        network = cls(around)
        limits = httpx.Limits(max_connections=None)
        async with (
            httpx.AsyncClient(
                timeout=around.webhook_timeout, limits=limits, trust_env=False
            ) as network.client,
            _task_group() as network.tasks,
        ):
            network.phone_tools = PhoneTools(
                clock=around.clock,
                studio=Studio(around.speech, network.tasks, around.logger),
                voice=around.voice,
                ears=around.ears,
                logger=around.logger,
            )
            async with serving(network._serve) as network.base_url:
                yield network
            network.tasks.cancel_scope.cancel()

    def connect(self, host: str, port: int) -> None:
        """The gateway's public URLs lead to this listener."""
        self.reach.lead_to(host, port)

    # -- what the vendor's double says

    @abstractmethod
    def section(self) -> Mapping[str, object]:
        """The provider's section of a gateway that uses this double."""

    def renew_secrets(self) -> None:
        """The account has other secrets now, which `section` tells; calls that are live go on
        with the former ones.

        Raises:
            NotImplementedError: this double cannot.
        """
        raise NotImplementedError

    @abstractmethod
    def answer(self, request: RestRequest) -> RestAnswer:
        """What the REST API answers."""

    @abstractmethod
    def offer(self, leg: Leg) -> Exchange:
        """The vendor's side of a call from a phone to the gateway's number."""

    # -- what it is built with

    def begin(self, leg: Leg, exchange: Exchange) -> None:
        """Let a call live."""
        leg.exchange = exchange
        self.legs[leg.id] = leg
        self.tasks.start_soon(leg.run)
        self._new_leg.set()
        self._new_leg = anyio.Event()

    def leg(
        self,
        id: str,
        *,
        to: str,
        from_number: str | None = None,
        direction: Direction = Direction.OUTBOUND,
        ring_seconds: float = RING_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
    ) -> Leg:
        """A new call; `begin` lets it live."""
        ours = self.around.number
        caller = from_number or ours
        other = caller if direction is Direction.INBOUND else to
        return Leg(
            id=id,
            direction=direction,
            from_number=caller,
            to_number=to,
            phone=self.around.phones.get(other, Phone()),
            tools=self.phone_tools,
            ring_seconds=ring_seconds,
            longest_seconds=longest_seconds,
        )

    def poster(self, seed: str) -> Poster:
        """Delivers the webhooks of one call."""
        return Poster(
            client=self.client,
            reach=self.reach,
            deliveries=self.deliveries,
            disorder=self.around.disorder,
            seed=seed,
            logger=self.around.logger,
        )

    def fault(self, what: str) -> None:
        """The gateway did what the carrier does not take."""
        self.faults.append(what)
        self.around.logger.warning("the carrier complains: %s", what)

    @abstractmethod
    def new_call_id(self) -> str:
        """An id as the carrier makes them."""

    def _serve(self, request: RestRequest) -> RestAnswer | None:
        self.requests.append(request)
        return self.instead(request) or self.answer(request)

    # -- what a test does

    def dial_in(self, caller: str) -> Leg:
        """The phone at `caller` calls the gateway's number."""
        leg = self.leg(
            self.new_call_id(),
            to=self.around.number,
            from_number=caller,
            direction=Direction.INBOUND,
            ring_seconds=60.0,
        )
        self.begin(leg, self.offer(leg))
        return leg

    async def latest(self, count: int = 1) -> Leg:
        """The call number `count`, counted from 1, once there is one."""
        while len(self.legs) < count:
            await self._new_leg.wait()
        return list(self.legs.values())[count - 1]


@asynccontextmanager
async def _task_group() -> AsyncIterator[TaskGroup]:
    """A task group that hands on a single error as it is, also that of its body."""
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from error.__cause__
