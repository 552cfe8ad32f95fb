"""Is somebody who asks for a plugin that is not there told what to do?"""

from contextlib import asynccontextmanager
from typing import Any

import pytest

from voicecall.errors import PluginError
from voicecall.plugins.naming import install_command, nearest
from voicecall.plugins.registry import Registry
from voicecall.sdk import Section, TtsSpec


@asynccontextmanager
async def opened(config: Any, context: Any) -> Any:
    yield None


def tts(name: str) -> TtsSpec:
    return TtsSpec(name=name, summary="", config=Section, open=opened)


def test_a_slip_is_answered_with_the_name_that_was_meant() -> None:
    with pytest.raises(PluginError, match="'espeek' is not installed; did you mean 'espeak'"):
        Registry.of(tts("espeak")).get("tts", "espeek")


@pytest.mark.parametrize(
    ("kind", "distribution"),
    [
        ("provider", "voicecall-acme"),
        ("tts", "voicecall-tts-acme"),
        ("stt", "voicecall-stt-acme"),
        ("vad", "voicecall-vad-acme"),
        ("responder", "voicecall-responder-acme"),
        ("exposure", "voicecall-expose-acme"),
        ("sink", "voicecall-sink-acme"),
    ],
)
def test_a_missing_plugin_is_answered_with_the_command_that_installs_it(
    kind: str, distribution: str
) -> None:
    with pytest.raises(PluginError, match=f"pip install {distribution}$"):
        Registry.of().get(kind, "acme")
    assert install_command(kind, "acme") == f"pip install {distribution}"


def test_specs_are_given_by_kind_in_the_order_of_their_names() -> None:
    registry = Registry.of(tts("b"), tts("a"))
    assert [spec.name for spec in registry.specs("tts")] == ["a", "b"]
    assert registry.specs("stt") == ()


def test_nothing_is_near_a_name_that_resembles_nothing() -> None:
    assert nearest("zzz", ["provider", "fromNumber"]) is None
    assert nearest("fromnumber", ["provider", "fromNumber"]) == "fromNumber"
