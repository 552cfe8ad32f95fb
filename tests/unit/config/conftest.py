"""Fake plugins, and a way to load a configuration from text."""

from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from voicecall.config.loader import LoadedConfig, load_config
from voicecall.config.problems import Problem
from voicecall.errors import ConfigError
from voicecall.plugins.registry import Registry
from voicecall.sdk import (
    Capability,
    ExposureSpec,
    Field,
    ProviderSpec,
    ResponderSpec,
    Secret,
    Section,
    SinkSpec,
    SttSpec,
    TtsSpec,
    VadSpec,
)


class Simulated(Section):
    time_scale: float = Field(default=1.0, gt=0)


class Carrier(Section):
    """The carrier's account."""

    account_sid: str
    """Which account pays."""
    auth_token: Secret
    region: Literal["here", "there"] = "here"
    retries: int = 3


class Voice(Section):
    voice: str = "plain"
    speed: float = 1.0


class CloudVoice(Voice):
    api_key: Secret


class Model(Section):
    api_key: Secret


class Url(Section):
    public_url: str


class Tunnel(Section):
    acme_token: Secret | None = None
    acme_domain: str | None = None


class Valley(Section):
    mode: Literal["off", "on"] = "off"


class Hook(Section):
    url: str
    token: Secret | None = None


class Empty(Section):
    pass


@asynccontextmanager
async def opened(config: Any, context: Any) -> Any:
    yield None


STREAMS = frozenset({Capability.MEDIA_STREAMS})


def specs() -> list[Any]:
    common: Any = {"summary": "for a test", "open": opened}
    return [
        ProviderSpec(
            name="mock",
            config=Simulated,
            capabilities=STREAMS,
            signature_header="x",
            needs_from_number=False,
            needs_public_url=False,
            **common,
        ),
        ProviderSpec(
            name="acme",
            config=Carrier,
            capabilities=frozenset(),
            signature_header="x",
            environment={"accountSid": "ACME_SID", "authToken": "ACME_TOKEN"},
            root_environment={"fromNumber": "ACME_NUMBER"},
            **common,
        ),
        TtsSpec(name="offline", config=Voice, offline_rank=10, **common),
        TtsSpec(name="worse", config=Voice, offline_rank=20, **common),
        TtsSpec(name="cloud", config=CloudVoice, environment={"apiKey": "CLOUD_KEY"}, **common),
        SttSpec(name="ear", config=Voice, offline_rank=10, **common),
        SttSpec(name="openai", config=CloudVoice, **common),
        VadSpec(name="valve", config=Empty, **common),
        ResponderSpec(name="model", config=Model, environment={"apiKey": "MODEL_KEY"}, **common),
        ResponderSpec(name="scripted", config=Empty, **common),
        ExposureSpec(
            name="public-url",
            config=Url,
            keys=("publicUrl",),
            wanted=lambda config: True,
            precedence=0,
            **common,
        ),
        ExposureSpec(
            name="acme-tunnel",
            config=Tunnel,
            keys=("tunnel.acme*",),
            wanted=lambda config: False,
            precedence=20,
            **common,
        ),
        ExposureSpec(
            name="valley",
            config=Valley,
            object_paths=("valley",),
            wanted=lambda config: config.mode == "on",
            precedence=30,
            tunnel_names={"valley-on": {"mode": "on"}},
            **common,
        ),
        SinkSpec(name="hook", config=Hook, **common),
    ]


Load = Callable[..., LoadedConfig]
Problems = Callable[..., list[Problem]]


@pytest.fixture
def registry() -> Registry:
    return Registry.of(*specs())


@pytest.fixture
def load(tmp_path: Path, registry: Registry) -> Load:
    """Load a configuration from its text."""

    def load_text(
        text: str, environ: Mapping[str, str] | None = None, registry: Registry = registry
    ) -> LoadedConfig:
        file = tmp_path / "voicecall.json5"
        file.write_text(text, encoding="utf-8")
        return load_config(file, registry, environ=environ or {})

    return load_text


@pytest.fixture
def problems(load: Load) -> Problems:
    """Every problem of a configuration, whether it can be used or not."""

    def of_text(text: str, environ: Mapping[str, str] | None = None, **more: Any) -> Any:
        try:
            return list(load(text, environ, **more).warnings)
        except ConfigError as error:
            return list(error.problems)

    return of_text
