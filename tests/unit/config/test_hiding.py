"""Do words of others come out without our secrets, however they quote them?"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, field_validator

from voicecall.cli.log_lines import JsonLines, TextLines
from voicecall.config import show
from voicecall.config.hiding import SHORTEST, Hiding, hiding
from voicecall.config.loader import LoadedConfig, load_config
from voicecall.errors import ConfigError
from voicecall.plugins.registry import Registry
from voicecall.sdk import Capability, ProviderSpec, Secret, Section, TtsSpec

secrets = st.text(st.characters(codec="utf-8"), min_size=SHORTEST).filter(
    lambda text: len(text.strip()) >= SHORTEST and not set(text) <= set("*\\")
)


@given(secrets, st.sampled_from([str, repr, json.dumps, str.strip, lambda text: quote(text, "")]))
def test_a_secret_is_not_said_however_it_is_quoted(secret: str, quoted: object) -> None:
    hide = Hiding()
    assert hide.remember(secret) == secret
    shown = quoted(secret)  # type: ignore[operator]
    said = hide.secrets(f"refused: <{shown}> {secret.encode()!r}")
    assert said.startswith("refused: <")
    assert secret not in said
    assert "**********" in said


def test_what_http_libraries_say_of_a_header_that_is_none_is_hidden() -> None:
    secret = hiding.remember("canary-of-a-header\n")
    with pytest.raises(h11.LocalProtocolError) as refused:
        h11.Request(method="GET", target="/", headers=[("host", "x"), ("token", secret)])
    assert "canary-of-a-header" in str(refused.value)
    record = logging.makeLogRecord({"msg": "it failed for %s", "args": ("+15550002222",)})
    record.exc_info = (type(refused.value), refused.value, refused.value.__traceback__)
    for line in (TextLines().format(record), JsonLines().format(record)):
        assert "canary" not in line
        assert "+15550002222" not in line and "+1555•••2222" in line
        assert "Illegal header value" in line


def test_a_short_secret_does_not_deface_every_text() -> None:
    hide = Hiding()
    hide.remember("a" * (SHORTEST - 1))
    assert hide.secrets("a" * 20) == "a" * 20


def test_an_old_secret_stays_hidden_beside_the_new_one() -> None:
    hide = Hiding()
    for secret in ("the-old-secret", "the-new-secret", "the-new-secret-is-longer"):
        hide.remember(secret)
    said = hide.secrets("the-old-secret the-new-secret the-new-secret-is-longer")
    assert said == " ".join(["**********"] * 3)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:canary@example.com/x", "https://**********@example.com/x"),
        ("http://canary@127.0.0.1:80", "http://**********@127.0.0.1:80"),
        ("https://example.com/@ann?to=a@b.example", "https://example.com/@ann?to=a@b.example"),
        ("write to a@b.example", "write to a@b.example"),
    ],
)
def test_the_user_of_a_url_is_hidden(url: str, shown: str) -> None:
    assert Hiding().secrets(url) == shown


class Careless(Section):
    """A plugin that quotes what it was given."""

    token: Secret
    address: str = ""

    @field_validator("token")
    @classmethod
    def _is_good(cls, token: SecretStr) -> SecretStr:
        if token.get_secret_value().endswith("bad"):
            raise ValueError(f"{token.get_secret_value()!r} is not good")
        return token


@asynccontextmanager
async def opened(config: Careless, context: object) -> AsyncIterator[Any]:
    yield None


CARELESS = Registry.of(
    TtsSpec(name="careless", summary="", config=Careless, open=opened, offline_rank=1),
    ProviderSpec(
        name="mock",
        summary="",
        config=Section,
        open=opened,
        capabilities=frozenset({Capability.MEDIA_STREAMS}),
        signature_header="x",
        needs_from_number=False,
        needs_public_url=False,
    ),
)


def loaded_with(folder: Path, token: str) -> LoadedConfig:
    section = {"token": "${TOKEN}", "address": "https://ann:canary@example.com"}
    file = folder / "voicecall.json5"
    file.write_text(json.dumps({"tts": {"provider": "careless", "careless": section}}))
    return load_config(file, CARELESS, environ={"TOKEN": token})


def test_a_plugin_that_quotes_its_secret_in_an_error_does_not_get_it_printed(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded_with(tmp_path, "canary-is-bad")
    assert "********** is not good" in str(refused.value).replace("'", "")
    assert "canary" not in f"{refused.value} {refused.value.problems}"


def test_a_password_in_a_url_is_not_shown(tmp_path: Path) -> None:
    loaded = loaded_with(tmp_path, "canary-is-good")
    shown = show.text(loaded)
    assert '"https://**********@example.com"' in shown
    assert "canary" not in shown + json.dumps(show.effective(loaded))
