"""Does the self-probe notice whatever stands between the public URL and us?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from voicecall.config.schema import LimitSettings, WebhookSecuritySettings
from voicecall.web.asgi import Receive, Scope, Send, refuse
from voicecall.web.probe_door import ProbeDoor, refuse_all
from voicecall.web.prober import SelfProber, literally_private
from voicecall.web.server import serving
from voicecall.webhooks.origin import Origin, PublicUrls

pytestmark = pytest.mark.anyio

Rewrite = Callable[[bytes], bytes]


@asynccontextmanager
async def proxy(port: int, rewrite: Rewrite) -> AsyncIterator[int]:
    """A proxy that changes the first thing it is sent on each connection."""

    async def handle(client: SocketStream) -> None:
        async with client, await anyio.connect_tcp("127.0.0.1", port) as server:
            await server.send(rewrite(await client.receive()))

            async def pass_on(source: SocketStream, sink: SocketStream) -> None:
                try:
                    while True:
                        await sink.send(await source.receive())
                except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                    await sink.aclose()

            async with anyio.create_task_group() as both:
                both.start_soon(pass_on, client, server)
                both.start_soon(pass_on, server, client)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, handle)
        yield listener.extra(SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await refuse_all(scope, receive, send)
    else:
        await refuse(scope, send, 404)


async def faults(rewrite: Rewrite, *, private_allowed: bool = True) -> list[str]:
    """What a probe finds when `rewrite` stands in front of us."""
    urls = PublicUrls("https://not.yet", "wss://not.yet")
    origin = Origin(
        urls=urls,
        serve_path="/voice/webhook",
        stream_path="/voice/stream",
        security=WebhookSecuritySettings(),
    )
    door = ProbeDoor(origin)
    async with (
        serving(
            door.around(not_found), "127.0.0.1", 0, setting="serve.port", limits=LimitSettings()
        ) as listening,
        proxy(listening.port, rewrite) as port,
    ):
        urls.move(f"http://127.0.0.1:{port}/line1/hook", f"ws://127.0.0.1:{port}/line1/stream")
        prober = SelfProber(door=door, private_allowed=private_allowed, streams=True)
        return await prober.faults(urls)


def forward(head: bytes) -> bytes:
    """As a proxy that is set up well: only our prefix is another."""
    return head.replace(b" /line1/hook", b" /voice/webhook").replace(b" /line1/", b" /voice/")


async def test_a_proxy_that_only_rewrites_the_prefix_is_no_fault() -> None:
    assert await faults(forward) == []


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda head: head.replace(b"%2F", b"/"), "its query was sent as"),
        (lambda head: head.replace(b"empty=", b"empty"), "its query was sent as"),
        (lambda head: head.replace(b"/webhook/probe/", b"/webhook//probe/"), "its path was sent"),
        (lambda head: head.replace(b"/voice/webhook", b"/somewhere"), "compare serve.path"),
        (lambda head: head.replace(b"space=a+b", b"space=a_b"), "bytes arrived changed"),
        (
            lambda head: head.replace(b"POST ", b"PUT  ").replace(b"PUT  ", b"PUT "),
            "arrived as PUT",
        ),
        (lambda head: head.replace(b"/voice/stream/", b"/voice/streams/"), "media streams: "),
        (
            lambda head: head.replace(b"Upgrade: websocket\r\n", b""),
            "media streams: ",
        ),
    ],
)
async def test_what_is_changed_on_the_way_is_told(harm: Rewrite, told: str) -> None:
    found = await faults(lambda head: harm(forward(head)))
    assert found and told in found[0]


async def test_a_stranger_at_the_public_url_is_not_taken_for_us() -> None:
    def elsewhere(head: bytes) -> bytes:
        return b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    assert "somebody else answers" in (await faults(elsewhere))[0]


async def test_a_name_that_leads_into_a_private_network_is_told_before_anything_is_sent() -> None:
    assert await faults(forward, private_allowed=False) == [
        "127.0.0.1 resolves to 127.0.0.1, which no carrier can reach"
    ]


async def test_a_name_that_does_not_exist_is_told() -> None:
    urls = PublicUrls("https://voice.invalid/x", "wss://voice.invalid/y")
    security = WebhookSecuritySettings()
    origin = Origin(urls=urls, serve_path="/x", stream_path="/y", security=security)
    prober = SelfProber(door=ProbeDoor(origin), private_allowed=False, streams=True)
    assert await prober.faults(urls) == ["the name voice.invalid does not resolve"]


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://127.0.0.1/x", True),
        ("https://[::1]:8443/x", True),
        ("https://localhost/x", True),
        ("https://voice.localhost/x", True),
        ("https://10.1.2.3/x", True),
        ("https://192.168.1.1/x", True),
        ("https://169.254.169.254/x", True),
        ("https://100.64.0.1/x", True),
        ("https://[fd00::1]/x", True),
        ("https://[fe80::1]/x", True),
        ("https://[::ffff:10.0.0.1]/x", True),
        ("https://127.1/x", True),
        ("https://2130706433/x", True),
        ("https://8.8.8.8/x", False),
        ("https://voice.example.com/x", False),
        ("https://10.example.com/x", False),
    ],
)
async def test_addresses_that_no_carrier_reaches_are_known_as_they_are_written(
    url: str, private: bool
) -> None:
    assert literally_private(url) is private
