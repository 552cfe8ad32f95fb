"""What is the text of a secret, whichever way the file writes it? Resolved once, at start."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from voicecall.config.hiding import hiding
from voicecall.config.secret_stores import SecretStores

EXEC_TIMEOUT_SECONDS = 15.0
"""A command that gives a secret may take this long."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)


class Secrets:
    """Resolves secrets, as `SecretResolver` promises.

    Args:
        environ: where variables are looked up.
        folder: relative file names start here.
        run_commands: whether ``exec`` is allowed; never for a file that was merely lying around.
        stores: the named secret providers of a gateway file.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        folder: Path,
        run_commands: bool,
        stores: Mapping[str, object] | None = None,
    ) -> None:
        self._environ = environ
        self._folder = folder
        self._run_commands = run_commands
        self._stores = SecretStores(stores or {}, read_file=self._read, run=self._run)
        self._known: dict[str, str] = {}
        self.exposed: list[tuple[object, str]] = []
        """What other users of the machine can read: the form as written, and a warning."""

    def __call__(self, raw: object) -> str:
        """The secret's text.

        Raises:
            ValueError: the form is unknown, or what it points at is missing; names the
                variable, file or command, never a value.
        """
        key = json.dumps(raw, sort_keys=True, default=str)
        if key not in self._known:
            self._known[key] = hiding.remember(self._resolve(raw))
        return self._known[key]

    def _resolve(self, raw: object) -> str:
        form = read_form(raw)
        seen = len(self.exposed)
        match form:
            case ("plain", text):
                return text
            case ("env", name):
                return self._variable(name)
            case ("file", name):
                value = self._read(name)
            case ("exec", *command):
                value = self._run(command, b"").strip()
            case (source, store, item):
                value = self._from_store(source, store, item)
        self.exposed[seen:] = [(raw, warning) for _, warning in self.exposed[seen:]]
        if not value:
            raise ValueError(f"the secret that {form[0]} gives is empty")
        return value

    def _variable(self, name: str) -> str:
        value = self._environ.get(name)
        if not value:
            raise ValueError(
                f"environment variable {name} is not set; set it where voicecall starts"
            )
        return value

    def _from_store(self, source: str, store: str, item: str) -> str:
        if source == "store-env":
            return self._variable(item)
        return self._stores.read(source.removeprefix("store-"), store, item)

    def _read(self, name: str) -> str:
        path = Path(name).expanduser()
        path = path if path.is_absolute() else self._folder / path
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise ValueError(f"secret file {str(path)!r} cannot be read: {reason}") from None
        if mode & 0o077:
            warning = f"secret file {str(path)!r} can be read by others (mode {mode & 0o777:04o})"
            self.exposed.append((None, warning))
        return text.strip()

    def _run(self, command: Sequence[str], stdin: bytes) -> str:
        if not self._run_commands:
            raise ValueError(
                "a secret from a command is refused in a file found in the current directory; "
                "name the file with --config or $VOICECALL_CONFIG"
            )
        program = command[0]
        try:
            done = subprocess.run(
                list(command),
                input=stdin,
                capture_output=True,
                timeout=EXEC_TIMEOUT_SECONDS,
                cwd=self._folder,
                env=dict(self._environ),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ValueError(f"command {program!r} gave no secret in time") from None
        except OSError as error:
            raise ValueError(f"command {program!r} cannot be run: {error.strerror}") from None
        if done.returncode:
            raise ValueError(f"command {program!r} failed with exit code {done.returncode}")
        return done.stdout.decode("utf-8", "replace")


def check_only(raw: object) -> str:
    """A resolver for plugins that are not selected: checks the form, looks nothing up.

    Raises:
        ValueError: the form is unknown.
    """
    read_form(raw)
    return "not-resolved"


def is_reference(raw: object) -> bool:
    """Whether `raw` points at a secret instead of holding it."""
    try:
        return read_form(raw)[0] != "plain"
    except ValueError:
        return False


def read_form(raw: object) -> tuple[str, ...]:
    """Which form a secret is written in, and its parts.

    Returns:
        ``("plain", text)``, ``("env", name)``, ``("file", path)``, ``("exec", *command)``, or
        ``("store-env" | "store-file" | "store-exec", provider, id)``.

    Raises:
        ValueError: none of them.
    """
    if isinstance(raw, str):
        if not raw:
            raise ValueError("the secret is empty")
        match = _VARIABLE.fullmatch(raw)
        return ("env", match[1]) if match else ("plain", raw)
    if isinstance(raw, dict):
        match raw:
            case {"env": str(name), **rest} if name and not rest:
                return ("env", name)
            case {"file": str(name), **rest} if name and not rest:
                return ("file", name)
            case {"exec": [*command], **rest} if _is_command(command) and not rest:
                return ("exec", *command)
            case {"source": "env" | "file" | "exec" as source, "id": str(item), **rest} if (
                item and set(rest) <= {"provider"}
            ):
                return (f"store-{source}", str(rest.get("provider", "default")), item)
    raise ValueError(
        'a secret is a string, "${NAME}", {env: "NAME"}, {file: "path"}, '
        '{exec: ["command", "argument"]} or {source, provider, id}'
    )


def _is_command(command: list[object]) -> bool:
    return all(isinstance(part, str) for part in command) and bool(command and command[0])
