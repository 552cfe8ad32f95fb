"""Could it be opened? The program and its version, the token, the name, and what is left over."""

from __future__ import annotations

import re
import subprocess
from collections.abc import AsyncIterator, Sequence

import anyio

from voicecall.sdk import ExposureContext, Finding, Severity
from voicecall_expose_ngrok import binary
from voicecall_expose_ngrok.agent import process
from voicecall_expose_ngrok.faults import TOKENS, plain
from voicecall_expose_ngrok.plugin import NgrokConfig
from voicecall_expose_ngrok.settled import BY_HAND, OURS

VERSION_SECONDS = 5.0
OLDEST = (3, 16)
"""Agents before it know no endpoints. Source: https://ngrok.com/docs/agent/config/v3"""
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.\d+)?")


async def findings(config: NgrokConfig, context: ExposureContext) -> Sequence[Finding]:
    """All that can be said without starting or changing anything."""
    found = [await _program(config), _token(config), _domain(config)]
    return [*found, *[each async for each in _left(context)]]


async def _program(config: NgrokConfig) -> Finding:
    program = binary.found(config)
    if program is None and config.allow_download:
        return _finding(
            Severity.WARNING,
            f"there is no ngrok yet; it will be downloaded to {binary.wanted(config)}",
            f"to keep that in your own hands, install it ({binary.DOWNLOADS})",
        )
    if program is None:
        missing = binary.missing(config)
        return _finding(Severity.ERROR, missing.reason, missing.remedy)
    try:
        with anyio.fail_after(VERSION_SECONDS):
            done = await anyio.run_process(
                [program, "version"], check=False, stderr=subprocess.DEVNULL
            )
    except (OSError, TimeoutError) as error:
        return _finding(
            Severity.ERROR,
            f"{program!r} does not tell its version: {error or 'it hangs'}",
            "install ngrok anew, or set tunnel.ngrokPath",
        )
    said = plain(done.stdout.decode(errors="replace"))
    match = _VERSION.search(said)
    if match is None or (int(match[1]), int(match[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return _finding(
            Severity.WARNING,
            f"{program} is {said or 'of no known version'}, and {oldest} is needed",
            "run `ngrok update`",
        )
    return _finding(Severity.OK, f"{program} is {said}")


def _token(config: NgrokConfig) -> Finding:
    if config.ngrok_auth_token is None:
        return _finding(
            Severity.ERROR,
            "ngrok needs an authtoken, and none is set",
            f"set tunnel.ngrokAuthToken or NGROK_AUTHTOKEN; {TOKENS} shows yours",
        )
    return _finding(Severity.OK, "an authtoken is set; whether it is good shows when it is used")


def _domain(config: NgrokConfig) -> Finding:
    if config.ngrok_domain is None:
        return _finding(
            Severity.WARNING,
            "ngrok chooses the public name, which can be another one at every start",
            "set tunnel.ngrokDomain to a domain of your account",
        )
    return _finding(Severity.OK, f"the public name is {config.ngrok_domain}")


async def _left(context: ExposureContext) -> AsyncIterator[Finding]:
    for name in (OURS, BY_HAND):
        left = process(context.state_dir, name)
        running = await left.find()
        if running is None:
            continue
        about = f"process {running.pid}, for {left.noted.get('url', 'no name yet')}"
        if name == BY_HAND:
            yield _finding(
                Severity.OK,
                f"an agent that was opened by hand runs: {about}",
                "`voicecall expose --mode off` ends it",
            )
        elif left.is_owned:
            yield _finding(Severity.OK, f"an agent of a gateway runs: {about}")
        else:
            yield _finding(
                Severity.WARNING,
                f"an agent is left over from a gateway that was killed: {about}",
                "the next gateway ends it",
            )


def _finding(severity: Severity, message: str, remedy: str | None = None) -> Finding:
    return Finding(severity=severity, subject="ngrok", message=message, remedy=remedy)
