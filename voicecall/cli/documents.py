"""What does a command print with `--json`? One model a document; `voicecall schema` publishes them.

Keys are camelCase and times milliseconds since 1970, as at every other door. A field that may be
absent is absent when there is nothing to say; one that may be null is always there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from voicecall.rpc import results

DRAFT = "https://json-schema.org/draft/2020-12/schema"

Json = dict[str, Any]


class Fault(results.Answer):
    """What went wrong; `details.kind` is for programs."""

    code: str
    message: Annotated[str, Field(min_length=1)]
    details: Json = {}


class Failed(results.Answer):
    """Any command that failed, beside its exit code and a line on stderr."""

    error: Fault


class Placed(results.Started):
    """`call`, `start`: with `call` and `summary` when it was followed to its end."""

    call: results.Call | None = None
    summary: results.Summary | None = None
    record_path: str = ""


class Ready(results.Answer):
    """`serve`, once calls can come; it runs on."""

    ready: Literal[True]
    version: str
    gateway: str
    public: str


class Finding(results.Answer):
    """One thing that was looked at."""

    severity: Literal["ok", "warning", "error"]
    subject: str
    message: str
    remedy: str | None


class Checked(results.Answer):
    """`setup`, `doctor`."""

    ok: bool
    findings: list[Finding]


class Exposed(results.Answer):
    """`expose`: `ok` is false, and `hint.note` says what to do, when it could not be exposed."""

    ok: bool
    exposure: str
    mode: str
    path: str
    local_url: str
    public_url: str | None
    removed: bool = False
    error: str = ""
    hint: dict[str, str] = {}


class Smoked(Checked):
    """`smoke`: with the call that was placed, if it was."""

    call_id: str = ""
    initiated: bool = True
    call: results.Call | None = None
    summary: results.Summary | None = None
    record_path: str = ""


class Provided(results.Answer):
    """Something that a plugin offers."""

    kind: str
    name: str
    summary: str


class Plugin(results.Answer):
    """A plugin; `conformance`: what of it the shared suite can be run against."""

    name: str
    distribution: str
    version: str
    origin: str
    kinds: list[str]
    provides: list[Provided]
    conformance: list[str]
    broken: str | None
    conflicts: list[str]


class PluginCommand(results.Answer):
    """A command that a plugin adds."""

    name: str
    distribution: str | None


class Plugins(results.Answer):
    """`plugins list`."""

    plugins: list[Plugin]
    commands: list[PluginCommand]


class Installed(results.Answer):
    """`plugins install`."""

    ran: list[str]
    installed: list[Plugin]


class Uninstalled(results.Answer):
    """`plugins uninstall`."""

    ran: list[str]
    uninstalled: str


class NotRun(results.Answer):
    """`plugins install|uninstall`, when the answer was no."""

    ran: None
    would_run: list[str]


class Problem(results.Answer):
    """One thing that is wrong in a configuration, or should be looked at."""

    severity: Literal["error", "warning"]
    path: str | None = None
    line: int | None = None
    column: int | None = None
    key: str = ""
    owner: str = ""
    message: str
    suggestion: str | None = None


class ConfigChecked(results.Answer):
    """`config check`."""

    ok: bool
    path: str | None = None
    problems: list[Problem]


class Explained(results.Answer):
    """`config explain`: a key. `default` and `value` are JSON text."""

    path: str
    type: str
    default: str
    description: str
    owner: str
    value: str | None
    origin: str
    keys: list[str]


class Written(results.Answer):
    """`init`."""

    path: str
    provider: str


class Unit(results.Answer):
    """`service`."""

    unit: str


class Script(results.Answer):
    """`completion`."""

    shell: Literal["bash", "zsh", "fish"]
    script: str


class Version(results.Answer):
    """`version`."""

    version: str


DOCUMENTS: Mapping[str, Any] = {
    "init": Written,
    "serve": Ready,
    "reload": results.Reloaded,
    "call": Placed,
    "start": Placed,
    "continue": results.Answered,
    "speak": results.Done,
    "dtmf": results.Done,
    "end": results.Done,
    "status": results.Calls | results.Found | results.NotFound,
    "policy explain": results.PolicyExplained,
    "do-not-call list": results.DoNotCall,
    "do-not-call add": results.ListChanged,
    "do-not-call remove": results.ListChanged,
    "pairing list": results.Pairings,
    "pairing approve": results.ListChanged,
    "pairing revoke": results.ListChanged,
    "tail": results.Call,
    "latency": results.Waits,
    "setup": Checked,
    "smoke": Smoked,
    "expose": Exposed,
    "doctor": Checked,
    "plugins list": Plugins,
    "plugins install": Installed | NotRun,
    "plugins uninstall": Uninstalled | NotRun,
    "config check": ConfigChecked,
    "config show": Json,
    "config explain": Explained,
    "config schema": Json,
    "tool-schema": Json | list[Json],
    "schema": Json,
    "service": Unit,
    "completion": Script,
    "version": Version,
}
"""Command, with its action where it has several → its document. `tail` prints one a line, all
others exactly one."""


def schema_of(command: str) -> Json:
    """The JSON Schema of what `command` prints, a failure included."""
    schema = TypeAdapter(DOCUMENTS[command] | Failed).json_schema(by_alias=True)
    return {"$schema": DRAFT, "title": f"voicecall {command} --json", **_plain(schema)}


def all_schemas() -> Json:
    """The JSON Schema of every command that has one, by its name."""
    return {command: schema_of(command) for command in sorted(DOCUMENTS)}


def _plain(schema: Any) -> Any:
    """Without titles, which repeat the names, and defaults, which stand for absence."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _plain(value) for name, value in below.items()}
        if key in ("properties", "$defs")
        else _plain(below)
        for key, below in schema.items()
        if key not in ("title", "default") or isinstance(below, dict)
    }
