"""What do the commands about numbers do where no gateway runs?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from voicecall.calls.number_lists import ListedNumber, NumberList
from voicecall.calls.sqlite_store import open_sqlite_store

BOB = "+12125550123"
CONFIG = """{
  provider: "mock", inboundPolicy: "pairing", allowFrom: ["+12125550199"],
  outbound: { guard: { countries: ["US"] } },
}"""


@pytest.fixture
def terminal(bare_terminal: Any, tmp_path: Path) -> Any:
    path = tmp_path / "voicecall.json5"
    path.write_text(CONFIG)
    bare_terminal.environ["VOICECALL_CONFIG"] = str(path)
    return bare_terminal


def explained(terminal: Any, *arguments: str) -> tuple[Any, Any]:
    ran = terminal.inside("policy", "explain", *arguments, "--json")
    assert ran.code == 0, ran.err
    both = ran.document["outbound"], ran.document["inbound"]
    return both[0].get("reason"), both[1].get("reason")


def test_policy_is_explained_from_the_configuration_alone(terminal: Any) -> None:
    assert explained(terminal, BOB) == (None, "policy.notPaired")
    assert explained(terminal, "+4915123456789")[0] == "policy.destination"
    assert explained(terminal, "+12125550199") == (None, None)
    assert explained(terminal, "911")[0] == "policy.destination"
    assert not terminal.state_dir.exists()
    shown = terminal.inside("policy", "explain", BOB).out
    assert f"calls to {BOB}: allowed" in shown
    assert "yes  outbound.guard.countries        country US may be dialled" in shown


def test_policy_is_explained_from_what_the_last_gateway_stored(terminal: Any) -> None:
    async def opt_out() -> None:
        async with open_sqlite_store(terminal.state_dir / "calls.db") as store:
            await store.keep_number(NumberList.DO_NOT_CALL, ListedNumber(number=BOB, at=1.0))
            await store.keep_number(NumberList.PAIRED, ListedNumber(number=BOB, at=1.0))

    anyio.run(opt_out)
    before = (terminal.state_dir / "calls.db").read_bytes()
    assert explained(terminal, BOB) == ("policy.doNotCall", None)
    assert (terminal.state_dir / "calls.db").read_bytes() == before


def test_what_is_no_number_is_a_mistake_of_the_command_line(terminal: Any) -> None:
    ran = terminal.inside("policy", "explain", "Bob")
    assert (ran.code, "is not E.164" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("pairing",), 4),
        (("pairing", "approve", "123456"), 4),
        (("do-not-call", "add", BOB), 4),
        (("pairing", "approve"), 2),
        (("do-not-call", "list", BOB), 2),
        (("do-not-call", "remove"), 2),
        (("policy", "explain", BOB, "--url", "http://127.0.0.1:9", "--token", "t"), 4),
    ],
)
def test_lists_are_the_gateways_and_it_must_be_there(
    terminal: Any, words: tuple[str, ...], code: int
) -> None:
    assert terminal.inside(*words).code == code
