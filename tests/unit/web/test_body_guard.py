"""The guard counts requests whose body is on its way, by address."""

from __future__ import annotations

import anyio
import pytest

from voicecall.config.schema import LimitSettings
from voicecall.web.body_guard import BodyGuard


async def app(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


@pytest.mark.parametrize("peer, allowed", [("10.0.0.1", 3), ("192.0.2.1", 2)])
def test_an_address_that_many_share_may_do_more(peer, allowed):
    limits = LimitSettings(unverified_requests_per_address=2, unverified_requests_trusted=3)
    guard = BodyGuard(
        app,
        path="/hook",
        signature_headers=(),
        limits=limits,
        shared=lambda address: address.startswith("10."),
    )
    scope = {
        "type": "http",
        "method": "POST",
        "raw_path": b"/hook",
        "headers": [],
        "client": (peer, 1),
    }
    statuses = []

    async def answered(message) -> None:
        statuses.append(message.get("status"))

    async def main() -> None:
        async with anyio.create_task_group() as slow:
            for _ in range(allowed):
                slow.start_soon(guard, scope, anyio.sleep_forever, answered)
            await anyio.wait_all_tasks_blocked()
            await guard(scope, anyio.sleep_forever, answered)
            assert statuses[0] == 429
            await guard(scope | {"client": ("198.51.100.1", 1)}, hung_up, answered)
            assert guard.refused == {429: 1}
            slow.cancel_scope.cancel()

    anyio.run(main)


async def hung_up() -> dict[str, str]:
    return {"type": "http.disconnect"}
