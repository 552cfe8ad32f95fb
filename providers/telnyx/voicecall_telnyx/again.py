"""When is a command given again? When Telnyx did not say that it took it, under the same id.

Telnyx ignores a `command_id` that it has seen for about a minute, so what was lost on its way back
is done once (developers.telnyx.com, *Call Commands*). A dial is no command: it is never repeated.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

from voicecall.sdk import (
    CarrierError,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
    Clock,
)

PAUSES_SECONDS = (0.25, 1.0)
LONGEST_WAIT_SECONDS = 2.0
"""A call is silent meanwhile; a Telnyx that asks for a longer wait is not waited for."""
PATIENCE_SECONDS = 4.0
"""So long after the first try a command is out of date; one that nothing answered is at once."""


async def insist(clock: Clock, give: Callable[[], Awaitable[None]]) -> None:
    """Give a command, and again while Telnyx is busy or its answer is lost.

    Raises:
        CarrierError: it was refused, or nobody knows after the last try.
    """
    begun_at = clock.now()
    lost: CarrierUnreachable | None = None
    for pause in (*PAUSES_SECONDS, math.inf):
        try:
            await give()
            return
        except CarrierRejected as error:
            if lost is None:
                raise
            # Perhaps it does not fit any more because it was done: nobody knows.
            raise lost from error
        except (CarrierRateLimited, CarrierUnreachable) as error:
            lost = error if isinstance(error, CarrierUnreachable) else lost
            wait = _wait(error, pause)
            over = clock.now() - begun_at + wait > PATIENCE_SECONDS * clock.scale
            if over or wait > LONGEST_WAIT_SECONDS:
                raise
        await clock.sleep(wait)


def _wait(error: CarrierError, pause: float) -> float:
    asked = error.retry_after if isinstance(error, CarrierRateLimited) else None
    return pause if asked is None else max(pause, asked)
