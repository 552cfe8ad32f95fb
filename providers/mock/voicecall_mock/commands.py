"""Which commands come with the simulated network? ``mock serve`` and ``mock dial``."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from voicecall.sdk import CarrierError, CarrierRejected, CarrierUnreachable
from voicecall.sdk.commands import CommandKit

DEFAULT_PORT = 4010
REQUEST_SECONDS = 30.0


@click.group(help="The simulated phone network.")
def mock() -> None:
    """Commands of the simulated phone network."""


@mock.command(help="Run the network as a process of its own, until SIGTERM or Ctrl-C.")
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="0 takes a free one.")
@click.option("--bind", default="127.0.0.1", show_default=True)
@click.option("--time-scale", type=float, help="Times faster than life.  [mock.timeScale]")
@click.option("--record/--no-record", default=None, help="Keep what phones hear.  [mock.record]")
@click.pass_obj
def serve(
    kit: CommandKit, port: int, bind: str, time_scale: float | None, record: bool | None
) -> None:
    """Run the network."""
    import anyio

    if time_scale is not None and time_scale <= 0:
        raise click.BadParameter("must be greater than zero", param_hint="--time-scale")
    place = _Place(bind=bind, port=port, time_scale=time_scale, record=record)
    anyio.run(_serve, kit, place)


@mock.command(help="Let a simulated phone call us, and print what it hears and says.")
@click.option("--from", "caller", default="+15550100001", show_default=True, help="E.164")
@click.option("--to", "called", default="+15550100000", show_default=True, help="E.164")
@click.option("--network", metavar="URL", help="[mock.networkUrl, or the running gateway's]")
@click.option("--json", "as_json", is_flag=True, help="One JSON document at the end.")
@click.pass_obj
def dial(kit: CommandKit, caller: str, called: str, network: str | None, as_json: bool) -> None:
    """Call in."""
    from voicecall_mock.network.recording import spell
    from voicecall_mock.orders import Line

    base = network or _known_network(kit)
    order = {"fromNumber": caller, "toNumber": called}
    call = _request(base, "POST", "/v1/dial", order)
    lines = []
    for line in _follow(base, call["id"]):
        lines.append(line)
        if not as_json:
            click.echo(spell(Line(**line)))
    ended = _request(base, "GET", f"/v1/calls/{call['id']}/lines?after={len(lines)}")
    if as_json:
        click.echo(json.dumps({"id": call["id"], "cause": ended["cause"], "lines": lines}))
    else:
        click.echo(f"The call is over: {ended['cause']}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where and how the network runs; None: as configured."""

    bind: str
    port: int
    time_scale: float | None
    record: bool | None


async def _serve(kit: CommandKit, place: _Place) -> None:
    import logging

    import anyio

    from voicecall.sdk import SystemClock
    from voicecall_mock.config import MockConfig
    from voicecall_mock.network.server import serving_network
    from voicecall_mock.network.tools import NetworkTools

    config: MockConfig = kit.section("provider", "mock")
    scale = config.time_scale if place.time_scale is None else place.time_scale
    record = config.record if place.record is None else place.record
    async with kit.speech() as speech:
        tools = NetworkTools(
            config=config,
            clock=SystemClock(scale),
            speech=speech,
            logger=logging.getLogger("voicecall.plugin.mock"),
            recordings=kit.state_dir / "mock" if record else None,
        )
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with serving_network(tools, host=place.bind, port=place.port) as url:
                click.echo(f"The simulated phone network listens on {url}")
                async for _ in signals:
                    break


def _known_network(kit: CommandKit) -> str:
    """The network of the configuration, else the one inside the gateway that ran last."""
    from voicecall_mock.config import MockConfig
    from voicecall_mock.orders import read_address

    config: MockConfig = kit.section("provider", "mock")
    address = read_address(Path(kit.state_dir))
    if config.network_url is not None:
        return config.network_url
    if address is None:
        raise CarrierUnreachable(
            "no simulated network is known here; start 'voicecall serve', or say --network URL"
        )
    return address.url


def _follow(base: str, call_id: str) -> Iterator[dict[str, Any]]:
    seen, over = 0, False
    while not over:
        news = _request(base, "GET", f"/v1/calls/{call_id}/lines?after={seen}")
        seen, over = seen + len(news["lines"]), news["over"]
        yield from news["lines"]


def _request(base: str, method: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(base + path, data=data, headers=headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=REQUEST_SECONDS) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise _refused(error) from error
    except OSError as error:
        raise CarrierUnreachable(
            f"the simulated network at {base} does not answer; start 'voicecall serve' or "
            "'voicecall mock serve', or say --network URL"
        ) from error


def _refused(error: urllib.error.HTTPError) -> CarrierError:
    try:
        message = json.load(error)["message"]
    except (ValueError, KeyError, TypeError):
        message = f"HTTP status {error.code}"
    return CarrierRejected(f"the simulated network refused: {message}")
