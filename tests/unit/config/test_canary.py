"""Does a secret stay one, whichever plugin's it is, however it is written, whatever is printed?"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from voicecall.cli.log_lines import JsonLines, TextLines
from voicecall.config.catalogue import key_paths
from voicecall.config.explain import explain
from voicecall.config.loader import LoadedConfig, load_config
from voicecall.config.models import fields_below, fields_of, holds_secret, is_secret
from voicecall.config.positions import KeyPath, written
from voicecall.config.schema import Settings
from voicecall.config.show import effective, text, values
from voicecall.errors import ConfigError
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry
from voicecall.sdk import ExposureSpec, Section
from voicecall.sdk.specs import PluginSpec

WORD, NUMBER = "canary7f3b9dDoNotTell", 73912846502173
FULL = os.environ.get("VOICECALL_FULL") == "1"
SHAPED: Mapping[str, str] = {
    "sink:webhooks": "whsec_" + base64.b64encode(f"{WORD:<32}".encode()).decode(),
    "provider:telnyx:publicKey.0": base64.b64encode(f"{WORD:<32}".encode()).decode(),
}
"""Secrets of which the owner wants a form of its own, by owner or place."""

BESIDE: Mapping[str, dict[str, Any]] = {
    "exposure:cloudflared": {"cloudflaredHostname": "voice.example.com"},
    "provider:plivo": {"authId": "MA00000000000000000000"},
    "provider:telnyx": {"connectionId": "1"},
    "provider:twilio": {"accountSid": "AC00000000000000000000000000000000", "apiKeySid": "SK0"},
    "responder:command": {"argv": ["true"]},
    "responder:http": {"url": "http://127.0.0.1:9/"},
    "sink:webhooks": {"url": "https://example.com/calls"},
}
"""What a section needs beside its secrets."""


@dataclass(frozen=True)
class Place:
    """A field of a section, by the keys of the file; `*` is any key, 0 any item."""

    owner: str
    spec: PluginSpec | None
    path: KeyPath
    annotation: Any

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.owner}:{'.'.join(map(str, self.path))}"

    @property
    def canary(self) -> str:
        """A secret that this place takes."""
        return SHAPED.get(self.name) or SHAPED.get(self.owner) or f"{WORD}-{self.path[-1]}"


@cache
def installed() -> Registry:
    return load_plugins(os.environ)


def owner_of(spec: PluginSpec | None) -> str:
    return f"{spec.kind}:{spec.name}" if spec else "voicecall"


@cache
def fields() -> tuple[Place, ...]:
    """Every field of every section there is, the kernel's and all installed plugins'."""
    owners: list[PluginSpec | None] = [None, *installed().all_specs()]
    return tuple(
        Place(owner_of(spec), spec, path, annotation)
        for spec in owners
        for path, annotation in fields_below(spec.config if spec else Settings)
    )


SECRETS = [place for place in fields() if is_secret(place.annotation)]
OWNERS = sorted({place.owner for place in SECRETS})
each_owner = pytest.mark.parametrize("owner", OWNERS)


def of(owner: str) -> list[Place]:
    return [place for place in SECRETS if place.owner == owner]


# -- writing configurations


def put(into: dict[str, Any], path: KeyPath, value: Any) -> None:
    """Write `value` at `path`; a list becomes one of one item."""
    step, rest = str(path[0]), path[1:]
    if not rest:
        into[step] = value
    elif rest == (0,):
        into[step] = [value]
    else:
        put(into.setdefault(step, {}), rest, value)


def section_of(owner: str, write: Callable[[Place], Any]) -> dict[str, Any]:
    """A whole section in which `write` says how every secret is written."""
    section: dict[str, Any] = dict(BESIDE.get(owner, {}))
    for place in of(owner):
        put(section, place.path, write(place))
    return section


def selecting(spec: PluginSpec | None, section: dict[str, Any]) -> dict[str, Any]:
    """A configuration in which the plugin is used and has this section."""
    if spec is None:
        return section
    match spec.kind:
        case "provider":
            number = {"fromNumber": "+15550001111", "publicUrl": "https://x.example.com"}
            return {"provider": spec.name, spec.name: section, **number}
        case "tts":
            return {"tts": {"provider": spec.name, "providers": {spec.name: section}}}
        case "stt":
            own = {"provider": spec.name, "providers": {spec.name: section}}
            return {"streaming": {"enabled": True, **own}}
        case "responder":
            model = {"responseModel": "openai/gpt"} if spec.name == "model" else {}
            return {"responder": spec.name, "responders": {spec.name: section}, **model}
        case "sink":
            return {"sinks": [{"use": spec.name, **section}]}
    assert isinstance(spec, ExposureSpec), f"write down how a {spec.kind} is selected"
    written_down: dict[str, Any] = {"tunnel": {"provider": spec.name}}
    for prefix, key in key_paths(spec):
        if key in section:
            put(written_down, (*prefix, key), section[key])
    return written_down


def spec_of(owner: str) -> PluginSpec | None:
    return next(place.spec for place in SECRETS if place.owner == owner)


@dataclass
class Desk:
    """Writes a configuration and loads it."""

    folder: Path

    def load(self, config: dict[str, Any] | str, **environ: str) -> LoadedConfig:
        """The configuration, from one single line."""
        file = self.folder / "voicecall.json5"
        file.write_text(config if isinstance(config, str) else json.dumps(config))
        return load_config(file, installed(), environ=environ)

    def plant(self, place: Place) -> Path:
        """A file with the canary of `place`."""
        file = self.folder / place.name.replace("*", "any").replace("/", "-")
        file.write_text(f"{place.canary}\n")
        file.chmod(0o600)
        return file


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def variable(place: Place) -> str:
    return re.sub(r"\W", "_", place.name).upper().replace("CANARY", "")


FORMS: Mapping[str, Callable[[Desk, Place], Any]] = {
    "text": lambda desk, place: place.canary,
    "variable": lambda desk, place: f"${{{variable(place)}}}",
    "env": lambda desk, place: {"env": variable(place)},
    "file": lambda desk, place: {"file": str(desk.plant(place))},
    "exec": lambda desk, place: {"exec": ["cat", str(desk.plant(place))]},
}


# -- looking for it


def keeps(shown: str, owner: str) -> None:
    """Fail where a canary of `owner` is in `shown`; does not print it once more."""
    for hidden in {WORD, *(place.canary for place in of(owner))}:
        at = shown.find(hidden)
        assert at < 0, f"it says the secret after …{shown[max(0, at - 200) : at]}"


def logged(**given: Any) -> str:
    """What both kinds of log lines make of `given`, in the message and beside it."""
    record = logging.makeLogRecord({"msg": "%s", "args": (given,), "levelname": "DEBUG", **given})
    try:
        raise RuntimeError(*given.values())
    except RuntimeError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    return repr(given) + TextLines().format(record) + JsonLines().format(record)


def printed(section: Section) -> str:
    """Everything that prints a section."""
    dumped = (section.model_dump(), section.model_dump(by_alias=True), section.model_dump_json())
    return f"{section} {section!r} {dumped} {section.model_copy()}" + logged(
        section=section, dumped=dumped
    )


def shown_of(loaded: LoadedConfig, owner: str) -> str:
    """Everything that commands and logs may show of a configuration."""
    parts = [text(loaded), json.dumps(effective(loaded)), str(values(loaded)), logged(all=loaded)]
    parts += [str(problem) for problem in loaded.warnings]
    spec = spec_of(owner)
    for place in of(owner):
        homes = [tuple(path.split(".")) for path in spec.sections] if spec else [()]
        if isinstance(spec, ExposureSpec):
            homes = [prefix for prefix, _ in key_paths(spec)]
        parts += [str(explain(loaded, written((*home, *place.path)))) for home in homes]
    return "\n".join([*parts, printed(loaded.settings)])


# -- tests


@each_owner
def test_a_secret_that_is_in_force_is_printed_by_nothing(desk: Desk, owner: str) -> None:
    spec = spec_of(owner)
    environ = {variable(place): place.canary for place in of(owner)}
    for form in FORMS.values():
        section = section_of(owner, partial(form, desk))
        loaded = desk.load(selecting(spec, section), **environ)
        keeps(shown_of(loaded, owner), owner)
        mine = [one.config for one in loaded.selection.all() if spec and one.spec.name == spec.name]
        for config in mine or [loaded.settings]:
            keeps(printed(config), owner)
            assert secrets_in(config) == sorted(place.canary for place in of(owner))


def secrets_in(value: Any) -> list[str]:
    """The texts of all secrets in a section."""
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, BaseModel):
        value = [each for _, each in value]
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list | tuple):
        return []
    return sorted(found for each in inner for found in secrets_in(each))


@each_owner
def test_a_variable_that_fills_a_missing_secret_is_printed_by_nothing(
    desk: Desk, owner: str
) -> None:
    spec = spec_of(owner)
    filling = dict(spec.environment) if spec else {}
    secret = {"/".join(map(str, place.path)): place.canary for place in of(owner)}
    environ = {filling[key]: canary for key, canary in secret.items() if key in filling}
    shown = whatever_it_says(desk, selecting(spec, dict(BESIDE.get(owner, {}))), owner, environ)
    keeps(shown, owner)


WRONG: tuple[Callable[[str], Any], ...] = (
    lambda good: [good],
    lambda good: {"value": good},
    lambda good: NUMBER,
    lambda good: [[good]],
    lambda good: {"env": good, "canary": good},
    lambda good: {"file": f"/nowhere\0/{good}", "exec": [good]},
    lambda good: {"source": good},
    lambda good: True,
    lambda good: {"any": {"thing": good}},
    lambda good: "",
)
"""How a secret is not written; the likely ones first."""


@each_owner
def test_a_secret_of_a_wrong_form_is_in_no_report(desk: Desk, owner: str) -> None:
    for wrong in WRONG if FULL else WRONG[:3]:
        section = section_of(owner, partial(mistaken, wrong))
        shown = whatever_it_says(desk, selecting(spec_of(owner), section), owner)
        keeps(shown, owner)
        assert str(NUMBER) not in shown


def mistaken(wrong: Callable[[str], Any], place: Place) -> Any:
    return wrong(place.canary)


@each_owner
def test_a_secret_in_place_of_its_object_or_list_is_in_no_report(desk: Desk, owner: str) -> None:
    for place in of(owner):
        for depth in range(1, len(place.path)):
            section = dict(BESIDE.get(owner, {}))
            put(section, place.path[:depth], place.canary)
            keeps(whatever_it_says(desk, selecting(place.spec, section), owner), owner)


@each_owner
def test_a_mistake_beside_a_secret_does_not_bring_it_out(desk: Desk, owner: str) -> None:
    model = next((place.spec.config for place in of(owner) if place.spec), Settings)
    good = section_of(owner, lambda place: place.canary)
    beside = {key for key in fields_of(model) if not holds_secret(fields_of(model)[key].annotation)}
    together: dict[str, Any] = {key: [{"a": []}] for key in sorted(beside - {"enabled"})}
    alone = [{key: together[key]} for key in together if FULL]
    for mistake in ({"unknownKey": 1, "tokn": WORD}, together, *alone):
        shown = whatever_it_says(desk, selecting(spec_of(owner), {**good, **mistake}), owner)
        keeps(shown, owner)


@each_owner
def test_a_file_that_does_not_parse_does_not_bring_out_what_is_before_or_after(
    desk: Desk, owner: str
) -> None:
    whole = selecting(spec_of(owner), section_of(owner, lambda place: place.canary))
    good = json.dumps(whole)
    canary = of(owner)[-1].canary
    at = good.rindex(canary) + len(canary)
    quote = good.index('"', at)
    torn = (
        good[:quote],  # a string without an end
        good[:at] + "\\\n" + good[at:quote] + '" "',  # one that goes on in the next line
        good[: quote + 1] + " x" + good[quote + 1 :],
        good[: quote + 1] + f" /* don't: {WORD} */ x",
        good[: quote + 1] + f" // don't: {WORD}\n x",
        good.replace('"', ""),
        f"{{ a: {NUMBER} b",
    )
    for broken in torn:
        with pytest.raises(ConfigError) as caught:
            desk.load(broken)
        shown = f"{caught.value} {caught.value!r} {caught.value.problems}"
        keeps(shown, owner)
        assert str(NUMBER) not in shown


@each_owner
def test_an_error_of_a_model_itself_holds_no_secret(owner: str) -> None:
    model = next((place.spec.config for place in of(owner) if place.spec), Settings)
    section = section_of(owner, lambda place: place.canary)
    for broken in ({**section, "unknownKey": WORD}, {"unknownKey": section}, [section]):
        with pytest.raises(ValidationError) as caught:
            model.model_validate(broken)
        told = traceback.format_exception(caught.value)
        keeps(f"{caught.value} {caught.value!r} {told}", owner)


def whatever_it_says(
    desk: Desk, config: dict[str, Any], owner: str, environ: Mapping[str, str] | None = None
) -> str:
    """What is shown of a configuration, whether it can be used or not."""
    try:
        return shown_of(desk.load(config, **(environ or {})), owner)
    except ConfigError as error:
        told = "".join(traceback.format_exception(error))
        return f"{error!r} {error} {error.problems} {told} {logged(error=error)}"


def test_a_secret_of_a_store_of_a_gateway_file_is_printed_by_nothing(desk: Desk) -> None:
    store = desk.folder / "store.json"
    store.write_text(json.dumps({"gateway": {"token": WORD, "other": [WORD]}}))
    store.chmod(0o600)

    def file(item: str) -> dict[str, Any]:
        reference = {"source": "file", "provider": "vault", "id": item}
        ours = {"enabled": True, "config": {"provider": "mock"}}
        return {
            "secrets": {"providers": {"vault": {"source": "file", "path": str(store)}}},
            "plugins": {"entries": {"voice-call": ours}},
            "gateway": {"auth": {"mode": "token", "token": reference}},
        }

    loaded = desk.load(file("/gateway/token"))
    assert loaded.settings.gateway.token is not None
    assert loaded.settings.gateway.token.get_secret_value() == WORD
    keeps(shown_of(loaded, "voicecall"), "voicecall")
    for wrong in ("/gateway/other", "/gateway", "gateway", "/"):
        keeps(whatever_it_says(desk, file(wrong), "voicecall"), "voicecall")


def test_the_speech_of_a_number_is_printed_without_its_secret(desk: Desk) -> None:
    for place in SECRETS:
        if place.spec and place.spec.kind == "tts":
            section = {"providers": {place.spec.name: section_of(place.owner, lambda p: p.canary)}}
            numbers = {"+15550001111": {"tts": {"provider": place.spec.name, **section}}}
            loaded = desk.load({"streaming": {"enabled": True}, "numbers": numbers})
            keeps(shown_of(loaded, place.owner), place.owner)
