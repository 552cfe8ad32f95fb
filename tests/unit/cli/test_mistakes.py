"""A mistake in a configuration is told where it is, and no secret with it: acceptance 7, 8, 9."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MISTAKEN = """\
{
  serve: { prot: 3334 },
  maxConcurrentCalls: "many",
  inboundPolicy: "ajar",
  toNumber: "+15550002222",
  toNumber: "+15550003333",
  gateway: { token: "${CANARY_MISSING}" },
}
"""


def test_acceptance_7_and_8_every_mistake_has_its_place_and_no_value_is_shown(
    bare_terminal: Any, tmp_path: Path
) -> None:
    path = tmp_path / "voicecall.json5"
    path.write_text(MISTAKEN)
    command = ("--config", str(path), "config", "check", "--json")
    ran = bare_terminal.inside(*command, CANARY="s3cret-value")
    assert ran.code == 3
    told = {problem["line"]: problem for problem in ran.document["problems"]}
    assert sorted(told) == [2, 3, 4, 6, 7]
    assert all(problem["column"] for problem in told.values())
    assert "'port'" in told[2]["suggestion"]
    assert "lines 5 and 6" in told[6]["message"]
    assert "CANARY_MISSING" in told[7]["message"]
    assert "s3cret-value" not in ran.out + ran.err


def test_acceptance_8_a_secret_that_others_can_read_is_reported(
    bare_terminal: Any, tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret-value")
    secret.chmod(0o644)
    path = tmp_path / "voicecall.json5"
    path.write_text('{ gateway: { token: { file: "token" } } }')
    ran = bare_terminal.inside("--config", str(path), "config", "check", "--json")
    (problem,) = ran.document["problems"]
    assert (problem["severity"], problem["key"]) == ("warning", "gateway.token")
    assert "can be read by others" in problem["message"]
    assert "s3cret-value" not in ran.out + ran.err


def test_acceptance_9_a_model_without_its_key_fails_at_start(
    bare_terminal: Any, tmp_path: Path
) -> None:
    path = tmp_path / "voicecall.json5"
    path.write_text('{ responseModel: "openai/gpt-4o-mini", serve: { port: 0 } }')
    ran = bare_terminal.inside("--config", str(path), "serve", "--json", OPENAI_API_KEY="")
    assert (ran.code, ran.document["error"]["code"]) == (3, "CONFIG")
    assert "apiKey" in ran.err and "OPENAI_API_KEY" in ran.err
    assert not (bare_terminal.state_dir / "gateway.json").exists()
