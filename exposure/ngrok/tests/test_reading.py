"""Is what an agent says read rightly, and what it is told checked?"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from voicecall.config.loader import load_config
from voicecall.plugins.loader import load_plugins
from voicecall_expose_ngrok import faults, said
from voicecall_expose_ngrok.harness import TOKEN
from voicecall_expose_ngrok.plugin import NgrokConfig, voicecall_exposures

LOG = """\
t=2026-11-23T05:00:00+0000 lvl=info msg="no configuration paths supplied"
t=2026-11-23T05:00:00+0000 lvl=info msg="starting web service" obj=web addr=127.0.0.1:4041
t=2026-11-23T05:00:01+0000 lvl=info msg="client session established" obj=csess id=1
t=2026-11-23T05:00:01+0000 lvl=info msg="tunnel session started" obj=tunnels.session
"""


def test_an_agents_progress_is_read_from_its_log() -> None:
    assert said.heard("") == said.Said(api=None, connected=False, complaint="")
    assert said.heard(LOG).api == "http://127.0.0.1:4041"
    assert said.heard(LOG).connected
    assert not said.heard("".join(LOG.splitlines(keepends=True)[:2])).connected


@pytest.mark.parametrize("address", ["192.0.2.1:4040", "example.com:4040", "127.0.0.1", "x:y"])
def test_an_api_elsewhere_is_not_believed(address: str) -> None:
    line = f'lvl=info msg="starting web service" obj=web addr={address}\n'
    assert said.heard(line).api is None


@given(st.lists(st.sampled_from(["lvl=eror", "err=x", "__class__=x", '"', "msg=", "=", "\n", "é"])))
def test_any_log_is_read(words: list[str]) -> None:
    assert said.heard(" ".join(words)).api is None


@given(st.text(), st.text())
def test_what_is_repeated_holds_no_token_and_is_one_short_line(before: str, after: str) -> None:
    text = faults.plain(f"{before} {TOKEN} {after}", TOKEN)
    assert TOKEN not in text
    assert text == "" or text.isprintable()
    assert len(text) <= faults.LONGEST_REASON + 1


def test_only_tunnel_provider_chooses_it() -> None:
    (spec,) = voicecall_exposures()
    assert not spec.wanted(NgrokConfig.model_validate({"ngrokAuthToken": TOKEN}))


def test_the_environment_fills_token_domain_and_path(tmp_path: Path) -> None:
    file = tmp_path / "voicecall.json5"
    file.write_text('{ provider: "mock", tunnel: { provider: "ngrok" } }')
    environ = {
        "NGROK_AUTHTOKEN": TOKEN,
        "NGROK_DOMAIN": "voice.ngrok.app",
        "PYNGROK_NGROK_PATH": "/opt/ngrok",
    }
    chosen = load_config(file, load_plugins({}), environ=environ).exposure
    assert chosen is not None
    assert chosen.config == NgrokConfig(
        ngrok_auth_token=SecretStr(TOKEN), ngrok_domain="voice.ngrok.app", ngrok_path="/opt/ngrok"
    )


@pytest.mark.parametrize("wrong", ["https://voice.ngrok.app", "voice", "voice.ngrok.app/x", ""])
def test_a_domain_is_a_host_name(wrong: str) -> None:
    with pytest.raises(ValidationError, match="host name"):
        NgrokConfig.model_validate({"ngrokDomain": wrong})


def test_the_configuration_shows_no_token() -> None:
    assert TOKEN not in repr(NgrokConfig.model_validate({"ngrokAuthToken": TOKEN}))
