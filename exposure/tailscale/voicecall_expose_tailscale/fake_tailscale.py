"""How does `tailscale` look from outside? A program that keeps mounts as the real one does.

Standard library only: it is started by its file name, without our packages. The file that the
variable ``FAKE_TAILSCALE`` names holds its state: ``config`` (ipn.ServeConfig), ``mode`` (ok, or
how it fails), ``busy`` (so many changes are refused, as another client was quicker), ``name``,
``calls``, ``changes`` and ``pids``.

Source: https://github.com/tailscale/tailscale, cmd/tailscale/cli/serve_v2.go and ipn/serve.go.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

VARIABLE = "FAKE_TAILSCALE"
NAME = "box.tail1234.ts.net"
STATES = {
    "stopped": "Stopped",
    "needs_login": "NeedsLogin",
    "machine_auth": "NeedsMachineAuth",
    "starting": "Starting",
    "no_state": "NoState",
}
LOGIN = "https://login.tailscale.com/a/0123456789ab"
ENABLE = "https://login.tailscale.com/f/funnel?node=nodeid"
PORTS = (443, 8443, 10000)
BLOCKED_SECONDS = 600.0


class Failed(Exception):
    """It ends with 1, having said so on stderr."""


@contextmanager
def state(path: str) -> Iterator[dict[str, Any]]:
    """The state, which nobody else changes meanwhile."""
    with open(f"{path}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with open(path) as file:
                found: dict[str, Any] = json.load(file)
        except FileNotFoundError:
            found = {}
        yield found
        draft = f"{path}.{os.getpid()}"
        with open(draft, "w") as file:
            json.dump(found, file)
        os.replace(draft, path)


def name_of(now: dict[str, Any]) -> str:
    """The machine's name."""
    return str(now.get("name", NAME))


def handlers(now: dict[str, Any], at: str) -> dict[str, Any]:
    """The mounts at one name and port."""
    config = now.get("config") or {}
    server: dict[str, dict[str, Any]] = config.get("Web", {}).get(at, {})
    return server.get("Handlers", {})


def put(now: dict[str, Any], port: int, mount: str, target: str, funnel: bool) -> None:
    """One mount; whether the internet gets in is then so for the whole port."""
    config = now["config"] = now.get("config") or {}
    at = f"{name_of(now)}:{port}"
    known = config.get("TCP", {}).get(str(port))
    if any(str(port) in each.get("TCP", {}) for each in config.get("Foreground", {}).values()):
        raise Failed("error: foreground already exists under this port")
    if known is not None and not known.get("HTTPS"):
        raise Failed('error: want to serve "https" but port is already serving "tcp"')
    config.setdefault("TCP", {})[str(port)] = {"HTTPS": True}
    mounts = config.setdefault("Web", {}).setdefault(at, {}).setdefault("Handlers", {})
    for other in [each for each in mounts if each.rstrip("/") == mount.rstrip("/")]:
        del mounts[other]
    if target.isdigit():
        target = f"http://127.0.0.1:{target}"
    mounts[mount] = {"Text": target[5:]} if target.startswith("text:") else {"Proxy": target}
    allowed = config.setdefault("AllowFunnel", {})
    if funnel:
        allowed[at] = True
    elif allowed.pop(at, None):
        sys.stderr.write(f"Removing Funnel for {at}\n")
    tidy(config)


def off(now: dict[str, Any], port: int, mount: str | None) -> None:
    """One mount, or without one all of them."""
    config = now.get("config") or {}
    at = f"{name_of(now)}:{port}"
    mounts = handlers(now, at)
    gone = list(mounts) if mount is None else [mount]
    if not mounts or not set(gone) <= set(mounts):
        raise Failed("error: failed to remove web serve: handler does not exist")
    for each in gone:
        del mounts[each]
    if not mounts:
        del config["Web"][at]
        config.get("TCP", {}).pop(str(port), None)
        config.get("AllowFunnel", {}).pop(at, None)
    tidy(config)


def tidy(config: dict[str, Any]) -> None:
    """Empty maps are left out."""
    for key in [key for key, value in config.items() if not value]:
        del config[key]


def status(now: dict[str, Any]) -> dict[str, Any]:
    """What `status --json` prints."""
    mode = now.get("mode", "ok")
    rights: dict[str, Any] = {
        "https": None,
        "funnel": None,
        f"https://tailscale.com/cap/funnel-ports?ports={','.join(map(str, PORTS))}": None,
    }
    if mode == "no_https":
        del rights["https"]
    if mode == "policy":
        del rights["funnel"]
    return {
        "Version": now.get("version", "1.90.6-t0123456789"),
        "BackendState": STATES.get(mode, "Running"),
        "AuthURL": LOGIN if mode == "needs_login" else "",
        "Self": {"DNSName": f"{name_of(now)}.", "CapMap": rights, "Online": True},
        "CurrentTailnet": {"MagicDNSSuffix": "tail1234.ts.net", "MagicDNSEnabled": True},
    }


def flags(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Options and words."""
    told = [each for each in arguments if each.startswith("--")]
    options = {key: value for key, _, value in (each[2:].partition("=") for each in told)}
    return options, [each for each in arguments if not each.startswith("--")]


def served(now: dict[str, Any], how: str, options: dict[str, str], words: list[str]) -> str:
    """`serve` and `funnel`; what it prints."""
    if words == ["status"]:
        return json.dumps(now.get("config") or None, indent=2)
    port, mount, funnel = int(options.get("https") or 443), options.get("set-path"), how == "funnel"
    mode, turning_off = now.get("mode", "ok"), words[-1:] == ["off"]
    if words == ["reset"]:
        now["config"] = {}
        return ""
    if mode in ("funnel_off_exit0", "funnel_off_block") and not turning_off:
        return f"Funnel is not enabled on your tailnet.\nTo enable, visit:\n\n\t{ENABLE}\n"
    refuse(mode, funnel, port, turning_off)
    if now.get("busy", 0) > 0:
        now["busy"] -= 1
        raise Failed("Another client is changing the serve config; please try again.")
    now["changes"] = now.get("changes", 0) + 1
    if turning_off:
        off(now, port, mount)
        return ""
    put(now, port, mount or "/", words[0], funnel)
    return shown(now, port, funnel)


def refuse(mode: str, funnel: bool, port: int, turning_off: bool) -> None:
    """What is not permitted."""
    if mode == "denied":
        raise Failed(
            "Access denied: serve config denied\n\nUse 'sudo tailscale'.\nTo not require root, use "
            "'sudo tailscale set --operator=$USER' once."
        )
    if funnel and mode == "no_https":
        raise Failed(
            "Funnel not available; HTTPS must be enabled. See https://tailscale.com/s/https."
        )
    if funnel and mode == "policy":
        raise Failed(
            'Funnel not available; "funnel" node attribute not set. '
            "See https://tailscale.com/s/no-funnel."
        )
    if funnel and port not in PORTS and not turning_off:
        raise Failed(f"port {port} is not allowed for funnel; allowed ports are: 443,8443,10000")


def shown(now: dict[str, Any], port: int, funnel: bool) -> str:
    """What it says about the port when something was mounted."""
    base = f"https://{name_of(now)}{'' if port == 443 else f':{port}'}"
    mounts = handlers(now, f"{name_of(now)}:{port}")
    lines = [f"{base}{path}\n|-- proxy {each.get('Proxy')}\n" for path, each in mounts.items()]
    how = "funnel" if funnel else "serve"
    return "\n".join(
        [
            "Available on the internet:" if funnel else "Available within your tailnet:",
            "",
            *lines,
            f"{how.capitalize()} started and running in the background.",
            f"To disable the proxy, run: tailscale {how} --https={port} off",
        ]
    )


def answer(now: dict[str, Any], arguments: Sequence[str]) -> str:
    """What it prints on stdout."""
    if now.get("mode") == "daemon_down":
        raise Failed("failed to connect to local tailscaled; it doesn't appear to be running")
    options, words = flags(arguments)
    command: dict[str, Callable[[], str]] = {
        "status": lambda: json.dumps(status(now)),
        "version": lambda: str(status(now)["Version"]),
        "serve": lambda: served(now, "serve", options, words[1:]),
        "funnel": lambda: served(now, "funnel", options, words[1:]),
    }
    if not words or words[0] not in command:
        raise Failed(f"tailscale: unknown subcommand: {' '.join(arguments)}")
    return command[words[0]]()


def respond(now: dict[str, Any], arguments: Sequence[str]) -> tuple[int | None, str, str]:
    """How it ends (None: not by itself), and what it says on stdout and stderr."""
    now.setdefault("calls", []).append(list(arguments))
    mode = now.get("mode")
    try:
        said = answer(now, arguments)
    except Failed as error:
        return 1, "", f"{error}\n"
    if mode == "hangs":
        return None, "", ""
    blocks = mode == "funnel_off_block" and ENABLE in said
    return None if blocks else 0, f"{said}\n", ""


def main(arguments: Sequence[str]) -> int:
    """Behave as the real one does with these arguments."""
    with state(os.environ[VARIABLE]) as now:
        code, out, err = respond(now, arguments)
        if code is None:
            now.setdefault("pids", []).append(os.getpid())
    sys.stderr.write(err)
    sys.stdout.write(out)
    sys.stdout.flush()
    if code is None:
        time.sleep(BLOCKED_SECONDS)
    return code or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
