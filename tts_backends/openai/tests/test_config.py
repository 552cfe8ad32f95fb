"""What follows from a configuration: the model, the road, the voice, what somebody should know?"""

from __future__ import annotations

import sys
from datetime import date
from subprocess import check_output

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from voicecall_tts_openai.config import OpenAiTtsConfig, findings
from voicecall_tts_openai.models import DEFAULT_MODEL, ENDS, is_realtime
from voicecall_tts_openai.text import portions

TODAY = date(2026, 11, 22)


def config(**section: object) -> OpenAiTtsConfig:
    return OpenAiTtsConfig.model_validate({"apiKey": "sk-x"} | section)


def test_the_default_model_lives_on() -> None:
    assert config().chosen_model == DEFAULT_MODEL and DEFAULT_MODEL not in ENDS
    assert is_realtime(DEFAULT_MODEL)
    assert findings(config(), today=date(2100, 1, 1)) == []


def test_another_server_is_asked_for_what_such_servers_offer() -> None:
    other = config(baseUrl="http://127.0.0.1:8880/v1")
    assert not is_realtime(other.chosen_model)
    assert config(baseUrl="https://api.openai.com").chosen_model == DEFAULT_MODEL


@pytest.mark.parametrize("model", sorted(ENDS))
def test_an_announced_end_is_told_with_its_date(model: str) -> None:
    (finding,) = findings(config(model=model), today=TODAY)
    assert ENDS[model].isoformat() in finding.message and " ends on " in finding.message
    assert DEFAULT_MODEL in (finding.remedy or "")
    (finding,) = findings(config(model=model), today=ENDS[model])
    assert " ended on " in finding.message


def test_settings_without_effect_are_told() -> None:
    found = findings(config(model="tts-1", instructions="Calmly."), today=TODAY)
    assert [finding.subject.rpartition(".")[2] for finding in found] == ["model", "instructions"]
    (finding,) = findings(config(speed=2), today=TODAY)
    assert "1.5" in finding.message


@pytest.mark.parametrize(
    ("base", "root"),
    [
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("https://proxy.example/openai", "https://proxy.example/openai"),
    ],
)
def test_a_bare_origin_gets_the_path_of_the_vendor(base: str, root: str) -> None:
    assert config(baseUrl=base).root == root


def test_both_names_of_the_voice_are_read() -> None:
    assert config(speakerVoice="ash").chosen_voice == "ash"
    assert config(speakerVoice="ash", voice="sage").chosen_voice == "sage"


@pytest.mark.parametrize(
    "section", [{"speed": 0.1}, {"speed": 5}, {"baseUrl": "ftp://x"}, {"model": ""}, {"tone": 1}]
)
def test_what_cannot_be_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        config(**section)


def test_the_key_is_not_shown() -> None:
    assert "sk-x" not in repr(config()) + str(config())


def test_naming_the_plugin_loads_nothing_that_takes_time() -> None:
    check = "import sys, voicecall_tts_openai.plugin as p; p.voicecall_tts_backends()"
    check += "; print([m for m in ('httpx', 'websockets', 'openai') if m in sys.modules])"
    assert check_output([sys.executable, "-c", check], text=True).strip() == "[]"


@given(st.text(), st.integers(1, 60))
def test_portions_keep_to_the_limit_and_lose_only_white_space(text: str, longest: int) -> None:
    sent = list(portions(text, longest))
    assert all(0 < len(portion) <= longest for portion in sent)
    letters = [c for c in text if c.isalnum()]
    assert [c for c in "".join(sent) if c.isalnum()] == letters
