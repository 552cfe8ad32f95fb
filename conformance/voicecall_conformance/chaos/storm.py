"""How bad is it, and when? Dice for connections and requests, the same ones for the same seed."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from voicecall_conformance.chaos.front import Choosing, FailingFront, RestFault
from voicecall_conformance.chaos.proxy import CALM, ChaosProxy, Weather
from voicecall_conformance.vendor import RestRequest

MOST_BYTES = 60_000
"""Trouble begins within so many bytes: webhooks have 2,000, a stream 12,000 a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Harshness:
    """How often things go wrong; shares of 0 to 1, times in real seconds.

    Args:
        connections: of the connections, are treated badly.
        requests: of the REST requests, fail.
        latency: the longest that is added to a connection.
        silence: how long half-open connections stay so, and answers do not come.
        faults: how requests fail.
    """

    connections: float = 0.5
    requests: float = 0.3
    latency: float = 0.15
    silence: float = 30.0
    faults: Sequence[RestFault] = tuple(RestFault)


class Storm:
    """Bad weather between a gateway and a carrier's double; nothing until it is let loose.

    Args:
        harshness: how bad it is.
        seed: the same one gives the same dice.
        plan: how a request fails, instead of the dice.
    """

    def __init__(self, harshness: Harshness, seed: object, plan: Choosing | None = None) -> None:
        self._harshness = harshness
        self._choose = plan or self._roll
        self._seed = seed
        self._dice = random.Random(f"{seed}:requests")
        self.blows = False
        """Whether connections and requests that begin now are treated badly."""
        self.fronts: list[FailingFront] = []
        self.proxies: list[ChaosProxy] = []

    @asynccontextmanager
    async def proxy(self, name: str) -> AsyncIterator[ChaosProxy]:
        """A TCP proxy; `lead_to` says where to."""
        dice = random.Random(f"{self._seed}:{name}")
        async with ChaosProxy.opened(lambda: self._weather(dice), dice) as proxy:
            self.proxies.append(proxy)
            yield proxy

    @asynccontextmanager
    async def api(self, target: str) -> AsyncIterator[str]:
        """What stands in front of the REST API at `target`: both kinds of trouble; its URL."""
        silence = self._harshness.silence
        async with (
            FailingFront.opened(target, self._fault, silence=silence) as front,
            self.proxy("api") as proxy,
        ):
            self.fronts.append(front)
            proxy.lead_to(front.host, front.port)
            yield f"http://{proxy.host}:{proxy.port}"

    def _fault(self, request: RestRequest) -> RestFault | None:
        return self._choose(request) if self.blows else None

    def _roll(self, request: RestRequest) -> RestFault | None:
        if self._dice.random() >= self._harshness.requests:
            return None
        return self._dice.choice(list(self._harshness.faults))

    def _weather(self, dice: random.Random) -> Weather:
        if not self.blows or dice.random() >= self._harshness.connections:
            return CALM
        trouble = dice.choice(("slow", "slow", "bytes", "split", "cut", "silent", "refused"))
        latency = self._harshness.latency * dice.random()
        # Of what is sent, much is short: half of the troubles come within the first exchange.
        moment = int(MOST_BYTES ** dice.uniform(0.5, 1.0))
        return Weather(
            refused=trouble == "refused",
            latency=latency if trouble in ("slow", "split") else 0.0,
            jitter=latency if trouble in ("slow", "split") else 0.0,
            single_bytes=dice.randint(100, 800) if trouble == "bytes" else 0,
            trickle=0.001 if trouble == "bytes" else 0.0,
            split=dice.choice((7, 100, 1000)) if trouble == "split" else 0,
            cut_after=moment if trouble == "cut" else None,
            silent_after=moment if trouble == "silent" else None,
            silent_for=self._harshness.silence,
        )
