"""Is the state directory private, and does a client find exactly the gateway that runs?"""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from voicecall.config.state import (
    GatewayAddress,
    GatewayLock,
    load_or_make_token,
    prepare_state_dir,
    read_address,
    remove_address,
    state_dir,
    write_address,
)
from voicecall.errors import ConfigError, PortInUse

HERE = GatewayAddress(url="http://127.0.0.1:3335", token="t0ken", pid=4711, version="0.1.0")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    prepare_state_dir(path)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_state_directory_is_configured_or_in_the_home() -> None:
    assert state_dir({"VOICECALL_STATE_DIR": "/srv/vc", "HOME": "/home/x"}) == Path("/srv/vc")
    assert state_dir({"HOME": "/home/x"}) == Path("/home/x/.voicecall")
    assert state_dir({"VOICECALL_STATE_DIR": "", "HOME": "/h"}) == Path("/h/.voicecall")
    assert state_dir({}) == Path.home() / ".voicecall"


def test_a_relative_or_home_directory_is_made_absolute() -> None:
    assert state_dir({"VOICECALL_STATE_DIR": "here"}) == Path.cwd() / "here"
    assert state_dir({"VOICECALL_STATE_DIR": "~/vc"}) == Path.home() / "vc"


def test_a_new_state_directory_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        prepare_state_dir(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a" / "b") == 0o700


def test_preparing_twice_is_not_an_error(directory: Path) -> None:
    prepare_state_dir(directory)


def test_a_state_directory_open_to_others_is_refused_with_the_command(directory: Path) -> None:
    directory.chmod(0o750)
    with pytest.raises(ConfigError, match=f"mode 0750.*chmod 700 {directory}"):
        prepare_state_dir(directory)


def test_a_state_directory_that_is_a_symlink_is_refused(directory: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(directory)
    with pytest.raises(ConfigError, match="symlink"):
        prepare_state_dir(link)


def test_a_file_in_the_place_of_the_state_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="not a directory"):
        prepare_state_dir(tmp_path / "file")
    with pytest.raises(ConfigError, match="cannot be used"):
        prepare_state_dir(tmp_path / "file" / "below")


def test_the_address_of_a_running_gateway_is_found(directory: Path) -> None:
    with GatewayLock(directory):
        assert read_address(directory) is None
        write_address(directory, HERE)
        assert read_address(directory) == HERE
        assert mode(directory / "gateway.json") == 0o600


def test_leaving_the_lock_removes_the_address(directory: Path) -> None:
    with GatewayLock(directory):
        write_address(directory, HERE)
    assert read_address(directory) is None
    assert not (directory / "gateway.json").exists()


def test_the_address_can_be_replaced_and_removed_twice(directory: Path) -> None:
    moved = GatewayAddress(url="http://127.0.0.1:1", token="t0ken", pid=1, version="0.1.0")
    with GatewayLock(directory):
        write_address(directory, HERE)
        write_address(directory, moved)
        assert read_address(directory) == moved
        remove_address(directory)
        remove_address(directory)
        assert read_address(directory) is None
    assert sorted(file.name for file in directory.iterdir()) == ["gateway.lock"]


def test_an_address_whose_lock_nobody_holds_is_stale(directory: Path) -> None:
    write_address(directory, HERE)
    assert read_address(directory) is None
    (directory / "gateway.lock").touch(mode=0o600)
    assert read_address(directory) is None


def test_taking_the_lock_removes_what_a_killed_gateway_left(directory: Path) -> None:
    write_address(directory, HERE)
    with GatewayLock(directory):
        assert read_address(directory) is None


def test_without_a_state_directory_no_gateway_runs(tmp_path: Path) -> None:
    assert read_address(tmp_path / "nowhere") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"url":"x"}', "\udcff"])
def test_an_address_that_cannot_be_understood_is_none(directory: Path, text: str) -> None:
    with GatewayLock(directory):
        file = directory / "gateway.json"
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
        file.chmod(0o600)
        assert read_address(directory) is None


def test_an_address_of_a_later_version_may_say_more(directory: Path) -> None:
    with GatewayLock(directory):
        write_address(directory, HERE)
        file = directory / "gateway.json"
        file.write_text(file.read_text().replace("{", '{"started": 1.5, ', 1))
        assert read_address(directory) == HERE


def test_an_address_open_to_others_is_refused(directory: Path) -> None:
    write_address(directory, HERE)
    (directory / "gateway.json").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_address(directory)


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("gateway.json", read_address),
        ("gateway.token", load_or_make_token),
        ("gateway.lock", lambda directory: GatewayLock(directory).__enter__()),
    ],
)
def test_a_symlink_in_the_state_directory_is_refused(
    directory: Path, tmp_path: Path, name: str, use: Callable[[Path], object]
) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "elsewhere").chmod(0o600)
    (directory / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="symlink"):
        use(directory)
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_an_address_never_prints_its_token() -> None:
    assert "t0ken" not in repr(HERE)
    assert "127.0.0.1:3335" in repr(HERE)


def test_a_second_gateway_is_told_who_holds_the_directory(directory: Path) -> None:
    with GatewayLock(directory):
        with pytest.raises(PortInUse, match=f"process {os.getpid()}.*VOICECALL_STATE_DIR"):
            GatewayLock(directory).__enter__()
        write_address(directory, HERE)
        assert read_address(directory) == HERE
    with GatewayLock(directory):
        pass


def test_clients_that_look_do_not_keep_a_gateway_from_starting(directory: Path) -> None:
    write_address(directory, HERE)

    def look(_: int) -> None:
        read_address(directory)

    with ThreadPoolExecutor(4) as clients:
        looks = clients.map(look, range(400))
        for _ in range(20):
            with GatewayLock(directory):
                write_address(directory, HERE)
        list(looks)


def test_a_lock_without_its_directory_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        GatewayLock(tmp_path / "nowhere").__enter__()


HOLD_THE_LOCK = """
import os, sys, time
from pathlib import Path
from voicecall.config.state import GatewayAddress, GatewayLock, write_address
directory = Path(sys.argv[1])
with GatewayLock(directory):
    write_address(directory, GatewayAddress(url="u", token="t", pid=os.getpid(), version="v"))
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_killed_gateway_holds_nothing(directory: Path) -> None:
    command = [sys.executable, "-c", HOLD_THE_LOCK, str(directory)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        found = read_address(directory)
        assert found is not None and found.pid == holder.pid
        with pytest.raises(PortInUse, match=f"process {holder.pid}"):
            GatewayLock(directory).__enter__()
        holder.kill()
    assert read_address(directory) is None
    with GatewayLock(directory):
        pass


def test_the_token_is_made_once_private_and_hard_to_guess(directory: Path) -> None:
    token = load_or_make_token(directory)
    assert len(bytes.fromhex(token)) == 32
    assert load_or_make_token(directory) == token
    assert mode(directory / "gateway.token") == 0o600
    assert [file.name for file in directory.iterdir()] == ["gateway.token"]


def test_a_token_of_ones_own_is_taken_without_its_line_end(directory: Path) -> None:
    file = directory / "gateway.token"
    file.write_text("my own\n")
    file.chmod(0o600)
    assert load_or_make_token(directory) == "my own"


def test_a_token_that_others_can_read_is_refused_and_not_quoted(directory: Path) -> None:
    token = load_or_make_token(directory)
    (directory / "gateway.token").chmod(0o644)
    with pytest.raises(ConfigError, match="mode 0644") as caught:
        load_or_make_token(directory)
    assert token not in str(caught.value)


def test_an_empty_token_file_names_the_remedy(directory: Path) -> None:
    (directory / "gateway.token").touch(mode=0o600)
    with pytest.raises(ConfigError, match="delete it"):
        load_or_make_token(directory)


def test_the_command_line_pays_for_nothing_heavy() -> None:
    heavy = "{'dataclasses', 'typing', 'pydantic', 'anyio', 'asyncio', 'inspect', 'msgspec'}"
    script = f"import sys, voicecall.config.state; print({heavy} & set(sys.modules))"
    # -S: an interpreter's site packages may import what they like at start.
    paths = [str(Path(__file__).parents[3])]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-S", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    assert done.stdout == "set()\n"
