"""A real nginx and a real Caddy on loopback, with the files that docs/operations.md prints."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import trustme
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSStream

from voicecall_conformance.phones import CarrierNetwork
from voicecall_conformance.phones.gateway import (
    BOB,
    Gateway,
    Scene,
    configuration,
    gateway_on,
    network_on,
)

HOST, OTHER_HOST, GATEWAY_HOST = "localhost", "other.example.com", "gateway.example.com"
BODY_SECONDS = 1
"""How long a body may take in these tests, at the proxy and at the gateway."""
PATIENCE_SECONDS = 40
NGINX_CONF = """\
error_log stderr warn;
pid nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{}
}}
"""

Start = Callable[..., AbstractAsyncContextManager[Gateway]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the proxies."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.proxies)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where everybody is; `front` differs from what the documentation has, and from `serve`."""

    front: int
    serve: int
    gateway: int


@dataclass(frozen=True, kw_only=True)
class Front:
    """A running proxy."""

    name: str
    ports: Ports
    tls: ssl.SSLContext

    @property
    def webhook_url(self) -> str:
        """The public URL; behind it `/voice/webhook`."""
        return f"https://{HOST}:{self.ports.front}/line1/voice/webhook"

    @property
    def stream_url(self) -> str:
        """The public URL of media streams, without a token."""
        return f"wss://{HOST}:{self.ports.front}/line1/voice/stream"

    @property
    def gateway_url(self) -> str:
        """Where the gateway's own port is, for clients that send `gateway_host`."""
        return f"https://127.0.0.1:{self.ports.front}"

    @property
    def gateway_host(self) -> str:
        """The name of the proxy's site for the gateway's own port."""
        return GATEWAY_HOST

    def client(self, **options: Any) -> httpx.AsyncClient:
        """A client from outside that trusts the proxy's certificate."""
        return httpx.AsyncClient(verify=self.tls, trust_env=False, timeout=20, **options)


@pytest.fixture(scope="session")
def room() -> Iterator[Path]:
    """A folder that a process without rights can use as well."""
    with tempfile.TemporaryDirectory(prefix="voicecall-proxies-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def authority(room: Path) -> trustme.CA:
    """Signs the certificate of every name here; whoever asks for its file trusts it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(room / "authority.pem")
    certificate = authority.issue_cert(HOST, OTHER_HOST, GATEWAY_HOST, "127.0.0.1")
    certificate.private_key_pem.write_to_path(room / "key.pem")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(room / "chain.pem", append=True)
    os.chmod(room / "key.pem", 0o644)
    return authority


def printed(language: str) -> list[str]:
    """The blocks of docs/operations.md in `language`."""
    page = Path(__file__).parents[2] / "docs" / "operations.md"
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def replaced(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, f"docs/operations.md no longer says {old!r}"
        text = text.replace(old, new)
    return text


def nginx_conf(room: Path, ports: Ports) -> str:
    public, private = printed("nginx")
    certificates = {
        f"/etc/ssl/{name}/{file}": str(room / here)
        for name in ("voice.example.com", "gateway.example.com")
        for file, here in (("fullchain.pem", "chain.pem"), ("privkey.pem", "key.pem"))
    }
    text = replaced(
        public + private,
        {
            **certificates,
            "listen 443": f"listen 127.0.0.1:{ports.front}",
            "127.0.0.1:3334": f"127.0.0.1:{ports.serve}",
            "127.0.0.1:18790": f"127.0.0.1:{ports.gateway}",
            "voice.example.com": f"{HOST} {OTHER_HOST}",
            "client_body_timeout   5s": f"client_body_timeout {BODY_SECONDS}s",
            "10.20.0.0/16": "127.0.0.1",
        },
    )
    return NGINX_CONF.format(text)


def caddyfile(room: Path, ports: Ports) -> str:
    public, private = printed("caddyfile")
    sites = ", ".join(f"https://{name}:{ports.front}" for name in (HOST, OTHER_HOST))
    certificate = f"\ttls {room / 'chain.pem'} {room / 'key.pem'}\n\tbind 127.0.0.1\n"
    return replaced(
        public + private,
        {
            "{\n\tservers {": "{\n\tadmin off\n\tauto_https off\n\tservers {",
            "voice.example.com {\n": f"{sites} {{\n{certificate}",
            "read_body 10s": f"read_body {2 * BODY_SECONDS}s",
            "gateway.example.com {\n": f"https://{GATEWAY_HOST}:{ports.front} {{\n{certificate}",
            "127.0.0.1:3334": f"127.0.0.1:{ports.serve}",
            "127.0.0.1:18790": f"127.0.0.1:{ports.gateway}",
            "10.20.0.0/16": "127.0.0.1",
        },
    )


@contextmanager
def process(command: list[str], folder: Path, port: int) -> Iterator[None]:
    """`command` as a user without rights, once it listens on `port`, until the block ends."""
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
        identity = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    log = folder / "stderr"
    with (
        log.open("w") as errors,
        subprocess.Popen(command, cwd=folder, env=environ, stderr=errors, **identity) as popen,
    ):
        try:
            until_listening(popen, port, log)
            yield
        finally:
            popen.terminate()
            popen.wait(10)


def until_listening(popen: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        assert popen.poll() is None and time.monotonic() < deadline, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)


@pytest.fixture(scope="session", params=["nginx", "caddy"])
def front(request: pytest.FixtureRequest, room: Path, authority: trustme.CA) -> Iterator[Front]:
    """One of the proxies, running."""
    ports = Ports(front=free_port(), serve=free_port(), gateway=free_port())
    folder = room / request.param
    folder.mkdir(mode=0o755)
    program = shutil.which(request.param, path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, f"apt-get install {request.param}"
    if request.param == "nginx":
        conf = folder / "nginx.conf"
        conf.write_text(nginx_conf(room, ports))
        options = ["-p", str(folder), "-c", str(conf), "-e", "stderr", "-g", "daemon off;"]
    else:
        conf = folder / "Caddyfile"
        conf.write_text(caddyfile(room, ports))
        options = ["run", "--config", str(conf), "--adapter", "caddyfile"]
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    with process([program, *options], folder, ports.front):
        yield Front(name=request.param, ports=ports, tls=tls)


@dataclass
class Relay:
    """Leads from a port of its own to another one."""

    port: int = 0
    accepted: int = 0
    """How many connections came."""


@asynccontextmanager
async def relaying(
    target: int, *, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[Relay]:
    """A relay to port `target` of this machine; with `tls`, it speaks TLS there.

    A carrier's double speaks plain HTTP to a tunnel; this is the TLS in front of it.
    """
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    relay = Relay(port=listener.extra(SocketAttribute.local_port))

    async def forward(near: ByteStream) -> None:
        relay.accepted += 1
        far: ByteStream = await anyio.connect_tcp("127.0.0.1", target)
        if tls is not None:
            far = await TLSStream.wrap(
                far, hostname=HOST, ssl_context=tls, standard_compatible=False
            )
        async with near, far, anyio.create_task_group() as both:
            both.start_soon(pass_on, near, far, both.cancel_scope)
            both.start_soon(pass_on, far, near, both.cancel_scope)

    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, forward)
        yield relay
        tasks.cancel_scope.cancel()


async def pass_on(source: ByteStream, sink: ByteStream, scope: anyio.CancelScope) -> None:
    try:
        while True:
            await sink.send(await source.receive())
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        scope.cancel()


@pytest.fixture(name="free_port")
def free_port_fixture() -> Callable[[], int]:
    """Finds a port that nobody uses."""
    return free_port


@pytest.fixture(name="relaying")
def relaying_fixture() -> Callable[..., AbstractAsyncContextManager[Relay]]:
    """Starts relays: ``async with relaying(target, tls=…, port=…) as relay``."""
    return relaying


@pytest.fixture
def start(
    front: Front, room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Start]:
    """Starts a gateway behind the proxy: ``async with start(carrier, *Bob's steps) as gateway``.

    It starts only once its own probe came back through the proxy as it went.
    """
    monkeypatch.setenv("SSL_CERT_FILE", str(room / "authority.pem"))

    @asynccontextmanager
    async def starting(
        carrier: str,
        *steps: Mapping[str, object],
        changes: Mapping[str, Any] | None = None,
        port: int | None = None,
    ) -> AsyncIterator[Gateway]:
        scene = Scene(
            phones={BOB: {"steps": steps} if steps else {}},
            public_url=front.webhook_url,
            time_scale=2.0,
            changes={
                "serve": {"port": port or front.ports.serve},
                "gateway": {"port": front.ports.gateway},
                "reachability": {"check": "strict"},
                "limits": {"bodyTimeoutMs": BODY_SECONDS * 1000},
                **(changes or {}),
            },
        )
        async with (
            relaying(front.ports.front, tls=front.tls) as internet,
            gateway_on(network_of(carrier), scene, tmp_path) as (gateway, network),
        ):
            network.connect("127.0.0.1", internet.port)
            with anyio.fail_after(PATIENCE_SECONDS):
                yield gateway

    yield starting


@pytest.fixture
def call_from_a_process(front: Front, room: Path, tmp_path: Path) -> Callable[..., Any]:
    """One call of `voicecall call` to a phone: what the phone heard, and what was printed.

    ``await call_from_a_process(message, *Bob's steps)``; the gateway is a `voicecall serve`, which
    ends in order.
    """
    environ = {
        **os.environ,
        "HOME": str(tmp_path),
        "VOICECALL_STATE_DIR": str(tmp_path / "state"),
        "SSL_CERT_FILE": str(room / "authority.pem"),
    }
    path = tmp_path / "voicecall.json5"
    command = [str(Path(sys.executable).with_name("voicecall")), "--config", str(path)]

    async def call(message: str, *steps: Mapping[str, object]) -> tuple[list[str], str]:
        scene = Scene(
            phones={BOB: {"steps": steps}},
            public_url=front.webhook_url,
            time_scale=1.0,
            changes={
                "serve": {"port": front.ports.serve},
                "gateway": {"port": front.ports.gateway},
                "reachability": {"check": "strict"},
            },
        )
        async with (
            relaying(front.ports.front, tls=front.tls) as internet,
            network_on(network_of("twilio"), scene, tmp_path) as network,
        ):
            network.connect("127.0.0.1", internet.port)
            path.write_text(json.dumps(configuration(network, scene)))
            async with await anyio.open_process(
                [*command, "serve", "--json"], env=environ, stderr=None
            ) as serving:
                with anyio.fail_after(PATIENCE_SECONDS):
                    assert serving.stdout is not None and await serving.stdout.receive()
                    options = ["--json", "--mode", "conversation", "--message", message]
                    done = await anyio.run_process(
                        [*command, "call", "--to", BOB, *options], env=environ, stderr=None
                    )
                    serving.terminate()
                    assert await serving.wait() == 0
            assert not network.faults, network.faults
            (leg,) = network.legs.values()
            return leg.heard, done.stdout.decode()

    return call


def network_of(carrier: str) -> type[CarrierNetwork]:
    """The live double of `carrier`."""
    module = import_module(f"voicecall_{carrier}.network")
    found: type[CarrierNetwork] = getattr(module, f"{carrier.capitalize()}Network")
    return found
