"""Which agent is used, and which ends when we do?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from voicecall.sdk import ExposureContext, ExposureError
from voicecall_expose_ngrok import binary
from voicecall_expose_ngrok.agent import Agent, process
from voicecall_expose_ngrok.endpoint import NgrokEndpoint
from voicecall_expose_ngrok.plugin import NgrokConfig
from voicecall_expose_ngrok.settled import BY_HAND, OURS, purpose


@asynccontextmanager
async def opened(config: NgrokConfig, context: ExposureContext) -> AsyncIterator[NgrokEndpoint]:
    """An agent that is up: the one opened by hand when it is for the same, else a new one.

    Raises:
        ExposureError: it does not come up.
    """
    wanted = purpose(config, context)
    program = partial(binary.ready, config)
    by_hand = Agent(wanted, context, name=BY_HAND)
    ours = by_hand if context.by_hand else Agent(wanted, context, name=OURS)
    if not context.by_hand:
        await ours.clear()
    agent = by_hand
    if not await _taken_over(by_hand, exclusive=context.by_hand):
        agent = ours
        await agent.start(await program())
    try:
        yield NgrokEndpoint(
            agent,
            ours,
            program=program,
            context=context,
            forwards_from_loopback=config.allow_ngrok_free_tier_loopback_bypass,
        )
    finally:
        if not context.by_hand:
            await ours.clear()


async def _taken_over(by_hand: Agent, *, exclusive: bool) -> bool:
    """Whether the agent that was opened by hand is for the same, and stands.

    Raises:
        ExposureError: it is for something else, and `exclusive`: there can be only one by hand.
    """
    if not await by_hand.adopt():
        if exclusive and by_hand.is_alive:
            raise ExposureError(
                "an ngrok agent was opened by hand for something else, and still runs",
                remedy="end it first, with `voicecall expose --mode off`",
            )
        return False
    try:
        await by_hand.look()
    except ExposureError:
        return False
    return True


async def removed(context: ExposureContext) -> bool:
    """End what was opened by hand; whether there was anything."""
    return await process(context.state_dir, BY_HAND).clear()


async def cleared(context: ExposureContext) -> bool:
    """End what a gateway that was killed left; whether there was anything.

    Raises:
        ExposureError: that gateway is alive.
    """
    return await process(context.state_dir, OURS).clear()
