"""Which configuration does a call follow? The newest when it begins, and that one to its end.

What a configuration opened (voices, recognition, a responder) is a generation. Reloading opens a
new one for the calls to come; the old one is closed when the last call that follows it is over.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import anyio
from anyio.abc import TaskGroup, TaskStatus

from voicecall.calls.manager import CallManager
from voicecall.calls.tools import CallTools
from voicecall.config.loaded import LoadedConfig
from voicecall.config.schema import GatewaySettings
from voicecall.config.secret_changes import only_secrets_differ
from voicecall.config.tree import Node
from voicecall.errors import ConfigError
from voicecall.media.tokens import StreamGrant
from voicecall.media.wire import FrameSocket
from voicecall.model.ids import CallId
from voicecall.model.media import StreamOpening
from voicecall.streams import Streams
from voicecall.tasks import unwrapped

logger = logging.getLogger(__name__)

_FREE_STREAMING = {"provider", "pre_start_timeout_ms"}
"""The keys of `streaming` that may change."""


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True, eq=False)
class Generation:
    """What calls of one configuration are made with.

    Args:
        loaded: the configuration.
        tools: for the calls.
        streams: what serves their media streams; None: the carrier's own voice speaks.
        retired: set when another configuration is in force.
    """

    loaded: LoadedConfig
    tools: CallTools
    streams: Callable[[CallManager], Streams] | None
    retired: anyio.Event = field(default_factory=anyio.Event)


Make = Callable[[LoadedConfig, AsyncExitStack], Awaitable[Generation]]
Renew = Callable[[], None]


class Generations:
    """The generations of a gateway that are still in use.

    Args:
        make: opens one; what it opens is closed with the stack that it is given.
        tasks: each generation lives in a task of its own, so that it can end on its own.
    """

    def __init__(self, make: Make, tasks: TaskGroup) -> None:
        self._make = make
        self._tasks = tasks
        self._open: list[Generation] = []
        self._ending = anyio.Event()

    async def begin(self, loaded: LoadedConfig) -> Generation:
        """Open the generation of `loaded` and make it the current one.

        Raises:
            VoicecallError: it could not be opened; the current one stays.
        """
        generation: Generation = await self._tasks.start(self._keep, loaded)
        if self._open:
            self._open[-1].retired.set()
        self._open.append(generation)
        return generation

    @property
    def current(self) -> Generation:
        """The one of the calls to come."""
        return self._open[-1]

    def of(self, tools: CallTools) -> Generation:
        """The generation of a call that was made with `tools`."""
        return next((one for one in self._open if one.tools is tools), self.current)

    def end(self) -> None:
        """Close them all; no call uses them any more."""
        self._ending.set()

    async def _keep(self, loaded: LoadedConfig, *, task_status: TaskStatus[Generation]) -> None:
        async with AsyncExitStack() as stack:
            generation = await self._make(loaded, stack)
            task_status.started(generation)
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(_first, self._ending.wait, waiting)
                await generation.retired.wait()
                await generation.tools.holders.none_left()
                waiting.cancel_scope.cancel()
            self._open.remove(generation)
        logger.debug("a configuration that was replaced is closed")


@asynccontextmanager
async def generations(make: Make) -> AsyncIterator[Generations]:
    """Generations that are closed with the block, which must outlive every call."""
    with unwrapped():
        async with anyio.create_task_group() as tasks:
            all_of_them = Generations(make, tasks)
            try:
                yield all_of_them
            finally:
                all_of_them.end()


class CallsOwnStreams:
    """The media door of a gateway: a stream is served by the generation of its call."""

    def __init__(self, of_gateway: Generations, manager: CallManager) -> None:
        self._generations = of_gateway
        self._manager = manager
        self._streams: WeakKeyDictionary[Generation, Streams] = WeakKeyDictionary()

    def holder(self, token: str) -> CallId | None:
        """The live call that `token` is good for."""
        return self._newest.holder(token)

    def verify(self, opening: StreamOpening) -> None:
        """Let the provider check who opens a media socket.

        Raises:
            SignatureInvalid: not the carrier, or the provider failed to tell.
        """
        self._newest.verify(opening)

    def redeem(self, token: str) -> StreamGrant | None:
        """The grant of `token`, once, while its call is live."""
        return self._newest.redeem(token)

    async def serve(self, grant: StreamGrant, opening: StreamOpening, socket: FrameSocket) -> None:
        """Run the stream of a live call."""
        call = self._manager.live(grant.call_id)
        own = self._of(self._generations.of(call.tools)) if call else self._newest
        await own.serve(grant, opening, socket)

    @property
    def _newest(self) -> Streams:
        return self._of(self._generations.current)

    def _of(self, generation: Generation) -> Streams:
        if generation not in self._streams:
            assert generation.streams is not None  # reloading does not switch media streams off
            self._streams[generation] = generation.streams(self._manager)
        return self._streams[generation]


def refuse_what_needs_a_restart(
    old: LoadedConfig, new: LoadedConfig, renewal: Callable[[Any], Renew | None]
) -> Renew:
    """Check that `new` can take the place of `old` while the gateway runs.

    Args:
        old: what is in force.
        new: what shall be.
        renewal: the open provider's, which may take new secrets (`CallProvider.renewal`).

    Returns:
        What gives the provider its new secrets, if they changed.

    Raises:
        ConfigError: names every key that is in force from a start only.
    """
    same = _fixed(old, new)
    before, after = old.provider.config, new.provider.config
    renew: Renew | None = _nothing
    if same["provider"] and before != after:
        renew = renewal(after) if only_secrets_differ(before, after) else None
        same[old.provider.spec.sections[0]] = renew is not None
    fixed = sorted(key for key, is_same in same.items() if not is_same)
    if fixed or renew is None:
        raise ConfigError(
            f"changed, and only a restart brings it into force: {', '.join(fixed)}; "
            "restart the gateway, or change it back and reload"
        )
    return renew


def _fixed(old: LoadedConfig, new: LoadedConfig) -> dict[str, bool]:
    """Key → whether it says the same in both."""
    one, other = old.settings, new.settings
    keys = {
        "enabled": "enabled",
        "provider": "provider",
        "fromNumber": "from_number",
        "serve": "serve",
        "store": "store",
        "webhookSecurity": "webhook_security",
        "skipSignatureVerification": "skip_signature_verification",
        "limits": "limits",
    }
    same = {key: getattr(one, name) == getattr(other, name) for key, name in keys.items()}
    streams = [each.streaming.model_dump(exclude=_FREE_STREAMING) for each in (one, other)]
    return {
        **same,
        "gateway": _without_keys(one.gateway) == _without_keys(other.gateway),
        "streaming": streams[0] == streams[1],
        "the exposure": old.exposure == new.exposure,
        "sinks": old.sinks == new.sinks,
    }


def _without_keys(gateway: GatewaySettings) -> GatewaySettings:
    """What of it is in force from a start only; its token and password may be renewed."""
    return gateway.model_copy(update={"token": None, "password": None})


def changed_keys(old: LoadedConfig, new: LoadedConfig) -> tuple[str, ...]:
    """The keys at the top of the section whose values differ; names only."""
    before, after = old.tree.members, new.tree.members
    return tuple(
        sorted(key for key in before.keys() | after.keys() if _at(before, key) != _at(after, key))
    )


def _at(members: dict[str, Node], key: str) -> object:
    node = members.get(key)
    return None if node is None else node.plain()


def _nothing() -> None:
    """The provider keeps its secrets."""


async def _first(wait: Callable[[], Awaitable[object]], others: TaskGroup) -> None:
    await wait()
    others.cancel_scope.cancel()
