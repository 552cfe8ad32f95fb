"""Is the plugin a good citizen of the program that loads it?"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from pydantic import BaseModel, SecretStr

from voicecall.sdk import ProviderSpec
from voicecall_conformance.rig import Rig
from voicecall_conformance.rules import Suite, equal, hold, rule
from voicecall_conformance.suites.signature import answered

LOADED_BY = """
import importlib, json, sys
import voicecall.sdk
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def secrets_of(model: BaseModel) -> list[str]:
    """The text of every secret in a configuration."""
    found: list[str] = []
    for name in type(model).model_fields:
        value: Any = getattr(model, name)
        if isinstance(value, SecretStr):
            found.append(value.get_secret_value())
        elif isinstance(value, BaseModel):
            found += secrets_of(value)
    return found


class PackageSuite(Suite):
    """Area `package`."""

    @rule("package.light")
    async def test_importing_the_plugin_is_cheap(self, rig: Rig) -> None:
        module = rig.harness.module
        program = [sys.executable, "-c", LOADED_BY, module]
        loaded = json.loads((await anyio.run_process(program)).stdout)
        own = {module.partition(".")[0], "voicecall"}
        foreign = [name for name in loaded if name not in own | sys.stdlib_module_names]
        equal(f"imported by {module}", foreign, [])

    @rule("package.hook")
    async def test_the_hook_returns_its_spec_every_time(self, rig: Rig) -> None:
        first, second = rig.harness.hook(), rig.harness.hook()
        hold(all(isinstance(spec, ProviderSpec) for spec in first), f"returned {first!r}")
        hold(rig.harness.name in {spec.name for spec in first}, f"returned {first!r}")
        equal("specs of a second call", second, first)

    @rule("package.secrets")
    async def test_the_configuration_prints_no_secret(self, rig: Rig) -> None:
        private = secrets_of(rig.config)
        hold(bool(private), "the harness's configuration has no secret to hide")
        for text in (repr(rig.config), str(rig.config), repr(rig.config.model_dump())):
            hold(not any(secret in text for secret in private), "a secret is printed in full")

    @rule("package.reopens")
    async def test_a_provider_can_be_opened_again(self, rig: Rig) -> None:
        request = answered(rig)
        for _ in range(2):
            with TemporaryDirectory() as state_dir:
                context = replace(rig.context, state_dir=Path(state_dir))
                async with rig.spec.open(rig.config, context) as provider:
                    provider.verify(request)
