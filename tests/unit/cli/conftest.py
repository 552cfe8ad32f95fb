"""How do tests run the command? As people do: a process of its own, beside a real gateway."""

from __future__ import annotations

import io
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from jsonschema import Draft202012Validator

from voicecall.cli.documents import DOCUMENTS, schema_of
from voicecall.cli.main import main
from voicecall.cli.options import split_command

RUN_MAIN = "import sys; from voicecall.cli.main import main; sys.exit(main())"


@dataclass
class Ran:
    """What a finished command left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Stdout, which must be exactly one JSON document."""
        return json.loads(self.out)


@dataclass
class Terminal:
    """Runs commands with `environ` and an own state directory."""

    environ: Mapping[str, str]
    state_dir: Path

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """A command that runs on."""
        return subprocess.Popen(
            [sys.executable, "-c", RUN_MAIN, *arguments],
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environ: str) -> Ran:
        """A command to its end."""
        with self.start(*arguments, **environ) as process:
            out, err = process.communicate(timeout=60)
        if "--json" in arguments:
            require_published(arguments, out)
        return Ran(code=process.returncode, out=out, err=err)

    def inside(self, *arguments: str, **environ: str) -> Ran:
        """A command to its end, in this process: for what loads plugins, which takes a second."""
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, {**self.environ, **environ}, clear=True),
            redirect_stdout(out),
            redirect_stderr(err),
            logging_as_before(),
        ):
            code = main(arguments)
        if "--json" in arguments:
            require_published(arguments, out.getvalue())
        return Ran(code=code, out=out.getvalue(), err=err.getvalue())


@contextmanager
def logging_as_before() -> Iterator[None]:
    """What a command sets up for its own process ends with it."""
    root, ours = logging.getLogger(), logging.getLogger("voicecall")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        ours.setLevel(levels[1])


@cache
def _published(command: str) -> Draft202012Validator:
    return Draft202012Validator(schema_of(command))


def require_published(arguments: Sequence[str], out: str) -> None:
    """Check `out` against the schema that is published for the command (acceptance 5)."""
    name, rest = split_command(arguments)
    action = next((word for word in rest if f"{name} {word}" in DOCUMENTS), "list")
    command = name if name in DOCUMENTS else f"{name} {action}"
    if command in DOCUMENTS:
        for document in out.splitlines() if name == "tail" else [out]:
            _published(command).validate(json.loads(document))


@pytest.fixture
def bare_terminal(tmp_path: Path) -> Terminal:
    """A terminal on a machine where no gateway runs."""
    kept = {name: value for name, value in os.environ.items() if "VOICECALL" not in name}
    state_dir = tmp_path / "state"
    environ = {
        **kept,
        "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "VOICECALL_STATE_DIR": str(state_dir),
    }
    return Terminal(environ=environ, state_dir=state_dir)


@pytest.fixture
def terminal(bare_terminal: Terminal, gateway: Any) -> Terminal:
    """A terminal that knows the scripted gateway."""
    environ = {"VOICECALL_URL": gateway.url, "VOICECALL_TOKEN": gateway.token}
    return Terminal(environ={**bare_terminal.environ, **environ}, state_dir=bare_terminal.state_dir)


@contextmanager
def answering(answer: bytes | None) -> Iterator[str]:
    """The URL of a stranger that answers one connection with `answer`, None: with silence."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                if answer is not None:
                    connection.sendall(answer)
                else:
                    done.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            done.set()
            thread.join()


@pytest.fixture
def stranger() -> Callable[[bytes | None], AbstractContextManager[str]]:
    """Makes strangers: servers that are no voicecall gateway."""
    return answering
