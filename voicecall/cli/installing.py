"""How is a plugin installed into this interpreter, or removed? By uv or pip, and only if asked."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from voicecall.cli.exit_codes import UsageError
from voicecall.cli.output import complain
from voicecall.errors import PluginError

_REQUIREMENT = re.compile(
    r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,._-]+\])?([=~!<>]=?[\w.*,=~!<>]+)?", re.IGNORECASE
)
RUN = "import sys; from voicecall.cli.main import main; sys.exit(main())"
"""How this interpreter runs `voicecall`, wherever its scripts are."""
LIST_SECONDS = 120.0


def install_command(wish: str, *, editable: bool) -> list[str]:
    """The command that installs `wish`: a folder, a wheel, or a plugin by name.

    Raises:
        UsageError: it is none of them.
        PluginError: there is neither uv nor pip.
    """
    path = Path(wish).expanduser()
    if wish and path.exists() and (path.is_dir() or path.suffix == ".whl" or "/" in wish):
        source = str(path.absolute())
        return [*_installer("install"), *(["--editable"] if editable else []), source]
    if editable or "/" in wish or not _REQUIREMENT.fullmatch(wish):
        raise UsageError(f"{wish!r} is no folder, no wheel and no name of a plugin")
    return [*_installer("install"), distribution_of(wish)]


def uninstall_command(distribution: str) -> list[str]:
    """The command that removes `distribution`.

    Raises:
        PluginError: there is neither uv nor pip.
    """
    return [*_installer("uninstall"), distribution]


def distribution_of(name: str) -> str:
    """``acme``, ``tts-acme`` → what their distributions are called; others as they are."""
    return name if name.lower().startswith("voicecall-") else f"voicecall-{name}"


def _installer(verb: str) -> list[str]:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else None
    if uv is None and importlib.util.find_spec("pip"):
        sure = ["--yes"] if verb == "uninstall" else []
        return [sys.executable, "-m", "pip", verb, *sure]
    uv = uv or shutil.which("uv")
    if uv is None:
        raise PluginError(f"{sys.executable} has neither pip nor uv; install one of them")
    return [uv, "pip", verb, "--python", sys.executable]


def agreed(command: Sequence[str], *, yes: bool) -> bool:
    """Show `command` and ask whether to run it.

    Raises:
        UsageError: nobody is there to be asked.
    """
    complain(f"this will run: {shlex.join(command)}")
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked; --yes runs it")
    print("Run it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def run(command: Sequence[str]) -> None:
    """Run `command`; what it says goes to stderr.

    Raises:
        PluginError: it failed.
    """
    code = subprocess.run(command, stdout=sys.stderr, check=False).returncode
    if code:
        raise PluginError(f"{Path(command[0]).name} failed with exit code {code}; see above")


def installed() -> dict[str, dict[str, Any]]:
    """The plugins as a fresh process sees them, by distribution.

    Raises:
        PluginError: it could not tell.
    """
    asked = subprocess.run(
        [sys.executable, "-c", RUN, "plugins", "--json"],
        capture_output=True,
        text=True,
        timeout=LIST_SECONDS,
        check=False,
    )
    try:
        reports = json.loads(asked.stdout)["plugins"]
    except (ValueError, KeyError):
        raise PluginError(f"what is installed cannot be told: {asked.stderr.strip()}") from None
    return {report["distribution"]: report for report in reports}
