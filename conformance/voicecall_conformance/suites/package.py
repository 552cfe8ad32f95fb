"""Is the plugin a good citizen of the program that loads it?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType
from typing import Any

import anyio
from pydantic import BaseModel, SecretStr

from voicecall.sdk import Finding, PluginSpec, ProviderSpec, Severity
from voicecall_conformance.ledger import Failure
from voicecall_conformance.rig import Rig
from voicecall_conformance.rules import RuleBroken, Suite, applies, equal, hold, rule
from voicecall_conformance.suites.signature import answered

ORIGINS = ("documented", "sdk-generated", "observed")
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
        for each in value.values() if isinstance(value, dict) else [value]:
            if isinstance(each, SecretStr):
                found.append(each.get_secret_value())
            elif isinstance(each, BaseModel):
                found += secrets_of(each)
    return found


def told_by(specs: Sequence[PluginSpec]) -> list[dict[str, object]]:
    """What hooks returned, for a comparison. A function is as good as another of its text: one
    that is written within the hook is made anew at every call."""
    return [
        {name: _comparable(getattr(spec, name)) for name in (each.name for each in fields(spec))}
        for spec in specs
    ]


def _comparable(value: object) -> object:
    return value.__code__ if isinstance(value, FunctionType) else value


class PackageSuite(Suite):
    """Area `package`."""

    @rule("package.light")
    async def test_importing_the_plugin_is_cheap(self, rig: Rig) -> None:
        module = rig.harness.module
        loaded = await anyio.to_thread.run_sync(loaded_by, module)
        own = {module.partition(".")[0], "voicecall"}
        foreign = [name for name in loaded if name not in own | sys.stdlib_module_names]
        equal(f"imported by {module}", foreign, [])

    @rule("package.hook")
    async def test_the_hook_returns_its_spec_every_time(self, rig: Rig) -> None:
        first, second = rig.harness.hook(), rig.harness.hook()
        hold(all(isinstance(spec, ProviderSpec) for spec in first), f"returned {first!r}")
        hold(rig.harness.name in {spec.name for spec in first}, f"returned {first!r}")
        equal("specs of a second call", told_by(second), told_by(first))

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

    @rule("package.check")
    async def test_check_reads_and_reports(self, rig: Rig) -> None:
        before = len(rig.requests)
        await _checked(rig, "with the carrier well")
        asked = rig.requests[before:]
        changing = [request for request in asked if request.method not in ("GET", "HEAD")]
        hold(not changing, f"`check` is to read only, and sent {changing!r}")
        for failure in Failure:
            rig.failure = failure
            findings = await _checked(rig, f"while the carrier says {failure}")
            if asked and failure is Failure.CREDENTIALS:
                told = any(finding.severity is Severity.ERROR for finding in findings)
                hold(told, f"no error among {findings!r}")
        rig.failure, rig.lost = None, True
        await _checked(rig, "while every answer is lost")

    @rule("package.samples")
    async def test_every_sample_says_where_it_comes_from(self, rig: Rig) -> None:
        folder = rig.harness.samples()
        applies(folder is not None, "the distribution is installed without its tests/samples")
        assert folder is not None
        samples = sorted(folder.glob("**/*.json"))
        hold(bool(samples), f"no samples in {folder.name!r}")
        for path in samples:
            hold(
                _has_origin(json.loads(path.read_bytes())),
                f"{path.name}: a sample without `origin` or `source`",
            )


@cache
def loaded_by(module: str) -> list[str]:
    """The packages that importing `module` brings into a fresh interpreter."""
    program = [sys.executable, "-c", LOADED_BY, module]
    ran = subprocess.run(program, capture_output=True, check=True, timeout=20)
    loaded: list[str] = json.loads(ran.stdout)
    return loaded


async def _checked(rig: Rig, when: str) -> list[Finding]:
    try:
        return list(await rig.provider.check())
    except Exception as error:
        raise RuleBroken(f"`check` raised {error!r} {when}") from error


def _has_origin(sample: Any) -> bool:
    """Whether a sample, or each of a file's samples, names its origin and the source of it."""
    if isinstance(sample, list):
        return bool(sample) and all(map(_has_origin, sample))
    if not isinstance(sample, dict):
        return False
    if "origin" not in sample and "samples" in sample:
        return _has_origin(sample["samples"])
    told = f"{sample.get('origin', '')} {sample.get('source', '')}".strip()
    return told.startswith(ORIGINS) and told not in ORIGINS
