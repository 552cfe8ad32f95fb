"""What does `turns.preset` decide, and what wins over it?"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from voicecall.config.schema import SILENCE_PRESETS, TURN_PRESETS, Settings, TurnSettings


def settings(**turns: Any) -> Settings:
    return Settings.model_validate({"turns": turns})


def numbers(loaded: Settings) -> tuple[int, ...]:
    turns = loaded.turns
    interruption = (turns.min_speech_ms, turns.interrupt_after_ms)
    return (*interruption, turns.resume_after_ms, loaded.silence_timeout_ms)


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("phone", (200, 500, 1500, 800)),
        ("patient", (300, 900, 2500, 1400)),
        ("quick", (120, 300, 1000, 500)),
    ],
)
def test_a_preset_stands_for_its_numbers(preset: str, expected: tuple[int, ...]) -> None:
    assert numbers(settings(preset=preset)) == expected


def test_phone_is_what_counts_when_nothing_is_said() -> None:
    assert numbers(Settings()) == numbers(settings(preset="phone"))
    assert TURN_PRESETS.keys() == SILENCE_PRESETS.keys()


def test_a_single_key_wins_over_the_preset() -> None:
    section = {"turns": {"preset": "patient", "resumeAfterMs": 900}, "silenceTimeoutMs": 650}
    assert numbers(Settings.model_validate(section)) == (300, 900, 900, 650)


def test_a_preset_is_known_by_its_python_names_as_well() -> None:
    turns = TurnSettings(preset="quick", min_speech_ms=10)
    assert (turns.min_speech_ms, turns.resume_after_ms) == (10, 1000)
    assert Settings(turns=turns).silence_timeout_ms == 500


@pytest.mark.parametrize("section", [{"turns": {"preset": "hasty"}}, {"turns": {"preset": {}}}])
def test_an_unknown_preset_is_refused_by_its_name(section: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="'phone', 'patient' or 'quick'"):
        Settings.model_validate(section)


@pytest.mark.parametrize("turns", [None, 3, "patient"])
def test_a_section_that_is_none_is_still_told_as_such(turns: object) -> None:
    with pytest.raises(ValidationError, match="TurnSettings"):
        Settings.model_validate({"turns": turns})
