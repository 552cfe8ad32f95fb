"""What does one plugin module provide? Its hooks are called here, alone, so blame is exact."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pluggy

from voicecall.plugins.naming import nearest
from voicecall.sdk import hookspecs
from voicecall.sdk.config import Section
from voicecall.sdk.specs import (
    ExposureSpec,
    PluginSpec,
    ProviderSpec,
    ResponderSpec,
    SinkSpec,
    SttSpec,
    TtsSpec,
    VadSpec,
)

HOOKS: Mapping[str, type[PluginSpec]] = {
    "voicecall_providers": ProviderSpec,
    "voicecall_tts_backends": TtsSpec,
    "voicecall_stt_backends": SttSpec,
    "voicecall_vad_backends": VadSpec,
    "voicecall_responders": ResponderSpec,
    "voicecall_exposures": ExposureSpec,
    "voicecall_event_sinks": SinkSpec,
}
"""Hook → the specs that it returns, in the order in which hooks are called."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the hooks of one plugin returned, and what is wrong with it."""

    specs: tuple[PluginSpec, ...] = ()
    broken: str | None = None


def ask(module: object, name: str) -> Answer:
    """Call every hook of plugin `module`; never raises, whatever the plugin does."""
    try:
        misspelt = _misspelt(module)
        implemented = _implemented(module, name)
    except Exception as error:
        return Answer(broken=f"its hooks cannot be registered: {describe(error)}")
    specs: list[PluginSpec] = []
    faults = list(misspelt)
    for hook, function in implemented.items():
        answer = _call(hook, function)
        specs.extend(answer.specs)
        if answer.broken:
            faults.append(answer.broken)
    faults.extend(_repeated(specs))
    if not implemented and not faults:
        faults.append("it implements no hook; mark its functions with @hookimpl")
    return Answer(specs=tuple(specs), broken="; ".join(faults) or None)


def describe(error: BaseException) -> str:
    """An error of somebody else's as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _misspelt(module: object) -> list[str]:
    faults = []
    for attribute, value in sorted(vars(module).items()):
        if not attribute.startswith("voicecall_") or not inspect.isroutine(value):
            continue
        if attribute not in HOOKS:
            close = nearest(attribute, HOOKS)
            hint = f"did you mean {close!r}?" if close else f"hooks are {', '.join(HOOKS)}"
            faults.append(f"unknown hook {attribute!r}; {hint}")
        elif not hasattr(value, f"{hookspecs.PROJECT}_impl"):
            faults.append(f"{attribute} is not marked with @hookimpl")
    return faults


def _implemented(module: object, name: str) -> dict[str, Any]:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module, name)
    return {
        hook: caller.get_hookimpls()[0].function
        for hook in HOOKS
        if (caller := getattr(manager.hook, hook)).get_hookimpls()
    }


def _call(hook: str, function: Any) -> Answer:
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return Answer(broken=f"{hook} is async; a hook is a plain function that returns a list")
    try:
        result = function()
    except (Exception, SystemExit) as error:
        return Answer(broken=f"{hook} raised {describe(error)}")
    if inspect.iscoroutine(result):
        result.close()
        return Answer(broken=f"{hook} returned a coroutine, not a list")
    if not isinstance(result, list | tuple):
        return Answer(broken=f"{hook} returned {_article(result)}, not a list")
    return _sort_out(hook, list(result))


def _sort_out(hook: str, items: list[object]) -> Answer:
    wanted = HOOKS[hook]
    good: list[PluginSpec] = []
    faults = []
    for item in items:
        if not isinstance(item, wanted):
            faults.append(f"{hook}: the list holds {_article(item)}, not a {wanted.__name__}")
        elif fault := _spec_fault(item):
            faults.append(fault)
        else:
            good.append(item)
    return Answer(specs=tuple(good), broken="; ".join(faults) or None)


def _spec_fault(spec: PluginSpec) -> str | None:
    what = f"{type(spec).__name__}"
    if not isinstance(spec.name, str) or not _NAME.fullmatch(spec.name):
        return f"{what} has the name {spec.name!r}; use lower-case letters, digits and '-'"
    if not (inspect.isclass(spec.config) and issubclass(spec.config, Section)):
        return f"{what} {spec.name!r}: `config` must be a subclass of voicecall.sdk.Section"
    if not callable(getattr(spec, "open", None)):
        return f"{what} {spec.name!r}: `open` cannot be called"
    for label, table in (
        ("environment", spec.environment),
        ("root_environment", spec.root_environment),
    ):
        if not isinstance(table, Mapping) or not all(
            isinstance(part, str) for pair in table.items() for part in pair
        ):
            return f"{what} {spec.name!r}: `{label}` must map keys to variable names"
    return None


def _repeated(specs: list[PluginSpec]) -> list[str]:
    seen: set[tuple[str, str]] = set()
    faults = []
    for spec in specs:
        key = (spec.kind, spec.name)
        if key in seen:
            faults.append(f"it returns {spec.kind} {spec.name!r} twice")
        seen.add(key)
    return faults


def _article(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"
