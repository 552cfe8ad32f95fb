"""Are private places known as such, and is nothing sent there?"""

from __future__ import annotations

import anyio
import pytest

from voicecall.errors import CarrierUnreachable
from voicecall.web.addresses import is_public
from voicecall.web.http_client import open_public_http_client


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_other_addresses_are_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{}/", "http://localhost:{}/", "http://[::1]:{}/"]
)
def test_a_client_for_the_internet_connects_to_nothing_private(url: str) -> None:
    async def main() -> None:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(anyio.abc.SocketAttribute.local_port)

        async def visited(stream: anyio.abc.SocketStream) -> None:
            raise AssertionError("somebody connected")

        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, visited)
            async with open_public_http_client() as client:
                with pytest.raises(CarrierUnreachable, match="NotPublic"):
                    await client.request("GET", url.format(port))
            tasks.cancel_scope.cancel()

    anyio.run(main)
