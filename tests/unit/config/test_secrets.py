"""Is a secret found in every form it may be written in, and never shown?"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from voicecall.config.loader import load_config
from voicecall.config.secrets import Secrets, check_only
from voicecall.errors import ConfigError

PRINT = "import sys; sys.stdout.write('  from a command\\n')"
STORE = """
import json, sys
asked = json.load(sys.stdin)
json.dump({"protocolVersion": 1, "values": {asked["ids"][0]: "from the store"}}, sys.stdout)
"""


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    for name, text in (("plain.txt", "from a file\n"), ("all.json", '{"a/b": {"c": "deep"}}')):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    stores = {
        "single": {"source": "file", "path": "plain.txt", "mode": "singleValue"},
        "many": {"source": "file", "path": "all.json", "mode": "json"},
        "vault": {"source": "exec", "command": sys.executable, "args": ["-c", STORE]},
        "simple": {
            "source": "exec",
            "command": sys.executable,
            "args": ["-c", PRINT],
            "jsonOnly": False,
        },
    }
    environ = {"KEY": "from the environment", "EMPTY": ""}
    return Secrets(environ, folder=tmp_path, run_commands=True, stores=stores)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("as it is", "as it is"),
        ("${KEY}", "from the environment"),
        ("${not a name}", "${not a name}"),
        ({"env": "KEY"}, "from the environment"),
        ({"file": "plain.txt"}, "from a file"),
        ({"exec": [sys.executable, "-c", PRINT]}, "from a command"),
        ({"source": "env", "provider": "default", "id": "KEY"}, "from the environment"),
        ({"source": "file", "provider": "single", "id": "value"}, "from a file"),
        ({"source": "file", "provider": "many", "id": "/a~1b/c"}, "deep"),
        ({"source": "exec", "provider": "vault", "id": "x/y"}, "from the store"),
        ({"source": "exec", "provider": "simple", "id": "x"}, "from a command"),
    ],
)
def test_every_form_gives_its_text(secrets: Secrets, raw: object, text: str) -> None:
    assert secrets(raw) == text


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("", "the secret is empty"),
        ("${NOT_THERE}", "environment variable NOT_THERE is not set"),
        ({"env": "EMPTY"}, "environment variable EMPTY is not set"),
        ({"file": "gone.txt"}, "gone.txt' cannot be read: No such file"),
        ({"exec": ["/nothing/here"]}, "'/nothing/here' cannot be run"),
        ({"exec": [sys.executable, "-c", "exit(3)"]}, "failed with exit code 3"),
        ({"exec": [sys.executable, "-c", ""]}, "gives is empty"),
        ({"source": "file", "provider": "many", "id": "/nope"}, "has no text at '/nope'"),
        ({"source": "file", "provider": "gone", "id": "x"}, "'gone' .* is not defined"),
        ({"source": "exec", "provider": "many", "id": "x"}, "'many' .* is not defined"),
        ({"env": "KEY", "file": "x"}, "a secret is a string"),
        ({"exec": []}, "a secret is a string"),
        (5, "a secret is a string"),
        (None, "a secret is a string"),
    ],
)
def test_what_is_missing_is_named(secrets: Secrets, raw: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        secrets(raw)


def test_a_command_runs_once_however_often_its_secret_is_used(tmp_path: Path) -> None:
    count = "open('runs', 'a').write('x'); print('value')"
    secrets = Secrets({}, folder=tmp_path, run_commands=True)
    for _ in range(3):
        secrets({"exec": [sys.executable, "-c", count]})
    assert (tmp_path / "runs").read_text() == "x"


def test_a_plugin_that_is_not_selected_has_only_the_form_checked() -> None:
    assert check_only({"exec": ["/nothing/here"]})
    with pytest.raises(ValueError, match="a secret is a string"):
        check_only({"exec": "rm"})


def test_a_secret_file_that_others_can_read_is_reported_at_its_place(
    load: Any, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("canary")
    file.chmod(0o644)
    loaded = load('{\n  gateway: {\n    token: { file: "token" } } }')
    (warning,) = loaded.warnings
    assert (warning.line, warning.key_path) == (3, "gateway.token")
    assert "can be read by others (mode 0644)" in warning.message
    assert loaded.settings.gateway.token.get_secret_value() == "canary"
    file.chmod(0o600)
    assert load('{ gateway: { token: { file: "token" } } }').warnings == ()


def test_a_file_that_was_lying_around_runs_no_command(
    registry: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = json.dumps([sys.executable, "-c", "open('ran', 'w'); print('x')"])
    file = tmp_path / "voicecall.json5"
    file.write_text(f"{{ gateway: {{ token: {{ exec: {command} }} }} }}")
    with pytest.raises(ConfigError, match="refused in a file found in the current directory"):
        load_config(None, registry, environ={"HOME": "/nowhere"})
    assert not (tmp_path / "ran").exists()
    load_config(file, registry, environ={})
    assert (tmp_path / "ran").exists()


def test_named_stores_of_a_gateway_file_are_used(load: Any, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"token": "stored"}')
    (tmp_path / "s.json").chmod(0o600)
    loaded = load(
        '{ secrets: { providers: { mine: { source: "file", path: "s.json", mode: "json" } } },'
        '  plugins: { entries: { "voice-call": { enabled: true, config: {'
        '    gateway: { token: { source: "file", provider: "mine", id: "/token" } } } } } } }'
    )
    assert loaded.settings.gateway.token.get_secret_value() == "stored"
