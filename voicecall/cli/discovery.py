"""Where is the gateway? What the options or the environment name, else the one on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from voicecall.cli.client import START_ONE, GatewayClient, NobodyListens
from voicecall.cli.exit_codes import UsageError
from voicecall.cli.options import Options
from voicecall.config.state import read_address, state_dir


def state_dir_of(options: Options) -> Path:
    """The state directory that `options` or the environment name; it need not exist."""
    if options.state_dir:
        return Path(options.state_dir).expanduser().absolute()
    return state_dir(os.environ)


def is_elsewhere(options: Options) -> bool:
    """Whether a gateway is named, so that no other one will do."""
    return _named_url(options) is not None


def find_gateway(options: Options) -> GatewayClient:
    """A client of the gateway. Whether it lives shows when it is used.

    Raises:
        GatewayUnreachable: none is named and none runs here.
        UsageError: one is named, without a token for it.
    """
    url = _named_url(options)
    token = options.token or os.environ.get("VOICECALL_TOKEN")
    local = read_address(state_dir_of(options))
    if url is None:
        if local is None:
            raise NobodyListens(f"no gateway is running; {START_ONE}")
        return GatewayClient(local.url, token or local.token)
    if token is None and local is not None and local.url.rstrip("/") == url.rstrip("/"):
        token = local.token
    if token is None:
        raise UsageError(f"no token for the gateway at {url}; set VOICECALL_TOKEN")
    return GatewayClient(url, token)


def _named_url(options: Options) -> str | None:
    return options.url or os.environ.get("VOICECALL_URL") or None
