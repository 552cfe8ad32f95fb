"""The guard counts requests whose body is on its way, by address; who is quick has room."""

from __future__ import annotations

import anyio
import pytest
from trio.testing import MockClock

from voicecall.config.schema import LimitSettings
from voicecall.web.asgi import AsgiApp
from voicecall.web.body_guard import BodyGuard
from voicecall.web.refusals import Refusals
from voicecall.web.room import SPARE_PLACES, SPARE_SECONDS

SCOPE = {"type": "http", "method": "POST", "raw_path": b"/hook", "headers": []}
PROXY, DIRECT = "10.0.0.1", "192.0.2.1"


class Client:
    """Sends `body`, or never does; keeps what it is told."""

    def __init__(self, peer: str, body: bytes | None = None) -> None:
        self.scope = SCOPE | {"client": (peer, 1)}
        self.body = body
        self.told: list[dict[str, object]] = []

    async def receive(self) -> dict[str, object]:
        if self.body is None:
            await anyio.sleep_forever()
        return {"type": "http.request", "body": self.body}

    async def send(self, message) -> None:
        self.told.append(message)

    @property
    def status(self) -> object:
        return self.told[0]["status"] if self.told else None


async def app(scope, receive, send) -> None:
    """Knows one genuine body."""
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200 if body == b"signed" else 401})
    await send({"type": "http.response.body", "body": b"the app's own words"})


def guard_of(**limits: int) -> BodyGuard:
    return BodyGuard(
        app,
        path="/hook",
        signature_headers=(),
        limits=LimitSettings(
            **{"unverified_requests_per_address": 2, "unverified_requests_trusted": 3, **limits}
        ),
        shared=lambda address: address.startswith("10."),
    )


def trying(main) -> None:
    anyio.run(main, backend="trio", backend_options={"clock": MockClock(autojump_threshold=0)})


async def ask(guard: AsgiApp, client: Client) -> object:
    await guard(client.scope, client.receive, client.send)
    return client.status


@pytest.mark.parametrize("peer, allowed", [(PROXY, 3), (DIRECT, 2)])
def test_an_address_that_many_share_may_do_more(peer, allowed):
    async def main() -> None:
        refusals = Refusals()
        guard = refusals.around(guard_of())
        async with anyio.create_task_group() as slow:
            for _ in range(allowed):
                slow.start_soon(ask, guard, Client(peer))
            await anyio.wait_all_tasks_blocked()
            assert await ask(guard, Client(peer)) == 429
            assert await ask(guard, Client("198.51.100.1", b"signed")) == 200
            assert refusals.by_status == {429: 1}
            slow.cancel_scope.cancel()

    trying(main)


def test_behind_a_proxy_slow_strangers_keep_no_carrier_out_and_forgers_stay_refused():
    async def main() -> None:
        refusals = Refusals()
        guard = refusals.around(guard_of())
        async with anyio.create_task_group() as slow:
            for _ in range(3 + SPARE_PLACES):
                slow.start_soon(ask, guard, Client(PROXY))
            await anyio.wait_all_tasks_blocked()
            assert await ask(guard, Client(PROXY, b"signed")) == 200
            forger = Client(PROXY, b"forged")
            assert await ask(guard, forger) == 429
            assert b"the app's own words" not in [each.get("body") for each in forger.told]
            assert await ask(guard, Client(DIRECT, b"signed")) == 200
            slow.cancel_scope.cancel()

    trying(main)


def test_without_room_the_one_that_was_heard_longest_has_to_go():
    async def main() -> None:
        refusals, first = Refusals(), Client(PROXY)
        guard = refusals.around(guard_of())
        async with anyio.create_task_group() as slow:
            for client in (*(Client(PROXY) for _ in range(3)), first):
                slow.start_soon(ask, guard, client)
                await anyio.wait_all_tasks_blocked()
            began = anyio.current_time()
            for _ in range(SPARE_PLACES):
                slow.start_soon(ask, guard, Client(PROXY))
            await anyio.wait_all_tasks_blocked()
            assert (first.status, refusals.by_status) == (429, {429: 1})
            await anyio.sleep_until(began + SPARE_SECONDS + 0.1)
            assert refusals.by_status == {429: 1 + SPARE_PLACES}
            slow.cancel_scope.cancel()

    trying(main)


def test_however_many_addresses_there_are_a_quick_request_has_room():
    async def main() -> None:
        guard = guard_of(connections=16)
        async with anyio.create_task_group() as slow:
            for number in range(8):
                slow.start_soon(ask, guard, Client(f"203.0.113.{number}"))
            await anyio.wait_all_tasks_blocked()
            assert await ask(guard, Client(DIRECT)) == 429
            assert await ask(guard, Client(DIRECT, b"signed")) == 200
            slow.cancel_scope.cancel()

    trying(main)


def test_one_host_has_the_64_bits_of_its_ipv6_network():
    async def main() -> None:
        refusals = Refusals()
        guard = refusals.around(guard_of())
        async with anyio.create_task_group() as slow:
            for address in ("2001:db8::1", "2001:db8::ffff:2"):
                slow.start_soon(ask, guard, Client(address))
            await anyio.wait_all_tasks_blocked()
            assert await ask(guard, Client("2001:db8::3", b"signed")) == 429
            assert await ask(guard, Client("2001:db8:0:1::3", b"signed")) == 200
            slow.cancel_scope.cancel()

    trying(main)
