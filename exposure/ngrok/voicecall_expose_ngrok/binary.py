"""Which program is the agent, and may it be downloaded?"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from pyngrok import installer

from voicecall.sdk import ExposureError
from voicecall_expose_ngrok import faults
from voicecall_expose_ngrok.plugin import NgrokConfig

DOWNLOAD_SECONDS = 12.0
"""Real seconds for the download."""
_INSTALL = "import sys; from pyngrok.installer import install_ngrok; install_ngrok(sys.argv[1])"
DOWNLOADS = "https://ngrok.com/download"


async def ready(config: NgrokConfig) -> str:
    """The absolute path of an agent that can be executed; downloaded only with consent.

    Raises:
        ExposureError: there is none.
    """
    program = found(config)
    if program is not None:
        return program
    if not config.allow_download:
        raise missing(config)
    target = wanted(config)
    try:
        with anyio.fail_after(DOWNLOAD_SECONDS):
            await _install(target)
    except TimeoutError as error:
        raise ExposureError(
            f"ngrok could not be downloaded within {DOWNLOAD_SECONDS:g} s",
            remedy=f"install it yourself ({DOWNLOADS})",
        ) from error
    except OSError as error:
        raise ExposureError(
            f"ngrok cannot be installed as {str(target)!r}: {error.strerror}",
            remedy=f"install it yourself ({DOWNLOADS})",
        ) from error
    return str(target)


def found(config: NgrokConfig) -> str | None:
    """Where the agent is: the configured one, else on the PATH, else downloaded before."""
    if config.ngrok_path is not None:
        program = shutil.which(os.path.expanduser(config.ngrok_path))
    else:
        program = shutil.which("ngrok") or shutil.which(_downloaded())
    return None if program is None else os.path.abspath(program)


def missing(config: NgrokConfig) -> ExposureError:
    """What to do when there is none."""
    where = "on the PATH" if config.ngrok_path is None else f"at {config.ngrok_path!r}"
    return ExposureError(
        f"there is no executable ngrok {where}, and downloading it is not allowed",
        remedy=f"install it ({DOWNLOADS}), set tunnel.ngrokPath to where it is, or let it be "
        "downloaded with tunnel.allowDownload: true",
    )


def wanted(config: NgrokConfig) -> Path:
    """Where a download goes."""
    return Path(os.path.abspath(os.path.expanduser(config.ngrok_path or _downloaded())))


def _downloaded() -> str:
    return os.path.join(installer.get_default_ngrok_dir(), installer.get_ngrok_bin())


async def _install(target: Path) -> None:
    """Whole or not at all.

    In a process of its own: pyngrok's installer cannot be interrupted, writes its progress to
    stdout, and unpacks from a file of a name that others could guess, were it not in a directory
    of ours.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent) as folder:
        draft = Path(folder) / installer.get_ngrok_bin()
        done = await anyio.run_process(
            [sys.executable, "-P", "-c", _INSTALL, str(draft)],
            env={**os.environ, "TMPDIR": folder},
            check=False,
        )
        if done.returncode != 0:
            lines = done.stderr.decode(errors="replace").splitlines() or ["it said nothing"]
            raise ExposureError(
                f"ngrok could not be downloaded: {faults.plain(lines[-1])}",
                remedy=f"check the network, or install it yourself ({DOWNLOADS})",
            )
        draft.replace(target)
