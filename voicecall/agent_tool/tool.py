"""How is `voice_call` carried out? Read strictly, asked of a gateway, and every failure told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voicecall.agent_tool.actions import Action, InitiateCall, read_action
from voicecall.agent_tool.budget import CallBudget
from voicecall.config.hiding import hiding
from voicecall.errors import InvalidRequest, VoicecallError
from voicecall.remote import RemoteGateway
from voicecall.rpc.door import Door
from voicecall.rpc.following import place_and_follow
from voicecall.rpc.wire import JsonObject


class VoiceCallTool:
    """The tool `voice_call`, once for each session of an agent.

    The model chooses an action and its arguments; where the gateway is, and how many calls it
    may place, its host decides here. Policy stays with the gateway.

    Args:
        door: the gateway; None: the running one that `url`, `token` and `directory` lead to, as
            for `RemoteGateway`.
        url, token, directory: of a running gateway.
        wait: answer `initiate_call` when the call has ended, with its outcome.
        session_key: kept on the record of every call that is placed.
        budget: of the calls that may be asked for; None: one of its own.
    """

    def __init__(
        self,
        door: Door | None = None,
        *,
        url: str | None = None,
        token: str | None = None,
        directory: Path | None = None,
        wait: bool = False,
        session_key: str | None = None,
        budget: CallBudget | None = None,
    ) -> None:
        self._door = door or RemoteGateway(url, token, directory)
        self._wait = wait
        self._session_key = session_key
        self._budget = budget or CallBudget()

    async def run_async(self, arguments: Mapping[str, Any] | str) -> JsonObject:
        """Carry out `arguments`, an object or its JSON text.

        Returns:
            The payload of the RPC method, or ``{"error": "…"}``.
        """
        try:
            return await self._carried_out(read_action(_decoded(arguments)))
        except VoicecallError as error:
            return {"error": hiding.secrets(error.message)}

    def run(self, arguments: Mapping[str, Any] | str) -> JsonObject:
        """`run_async` for programs without an event loop; needs a door that is elsewhere."""
        from anyio.from_thread import start_blocking_portal

        with start_blocking_portal() as portal:
            return portal.call(self.run_async, arguments)

    async def _carried_out(self, action: Action) -> JsonObject:
        if isinstance(action, InitiateCall):
            return await self._place(action)
        return await self._door.call(action.method, action.params())

    async def _place(self, action: InitiateCall) -> JsonObject:
        self._budget.take()
        wish = action.params()
        if self._session_key:
            wish["sessionKey"] = self._session_key
        if self._wait:
            return await place_and_follow(self._door, wish, _unseen)
        return await self._door.call(action.method, wish)


async def run_async(arguments: Mapping[str, Any] | str, **options: Any) -> JsonObject:
    """Carry out `arguments` once; `options` are those of `VoiceCallTool`."""
    return await VoiceCallTool(**options).run_async(arguments)


def run(arguments: Mapping[str, Any] | str, **options: Any) -> JsonObject:
    """`run_async` for programs without an event loop."""
    return VoiceCallTool(**options).run(arguments)


def _decoded(arguments: Mapping[str, Any] | str) -> object:
    if not isinstance(arguments, str):
        return dict(arguments) if isinstance(arguments, Mapping) else arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        raise InvalidRequest("the arguments are not JSON") from None


async def _unseen(event: JsonObject) -> None:
    """Nobody watches."""
