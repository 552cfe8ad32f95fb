"""What can an editor check? A JSON Schema of the voice-call section with installed plugins."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from voicecall.config.catalogue import key_paths
from voicecall.config.schema import Settings
from voicecall.plugins.registry import Registry
from voicecall.sdk.config import Section
from voicecall.sdk.specs import ExposureSpec, PluginSpec, SinkSpec

Schema = dict[str, Any]

_REF = "#/$defs/"


def _form(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name != "provider"],
        "additionalProperties": False,
    }


_TEXT: Schema = {"type": "string"}

_SECRET: Schema = {
    "description": 'A secret: text, "${NAME}", or an object that says where it is.',
    "anyOf": [
        {"type": "string", "format": "password"},
        _form(env=_TEXT),
        _form(file=_TEXT),
        _form(exec={"type": "array", "items": _TEXT, "minItems": 1}),
        _form(source={"enum": ["env", "file", "exec"]}, provider=_TEXT, id=_TEXT),
    ],
}


def config_schema(registry: Registry) -> Schema:
    """A JSON Schema (draft 2020-12) of a file of the bare shape."""
    models: list[type[Section]] = [Settings, *(spec.config for spec in registry.all_specs())]
    references, schema = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], by_alias=True
    )
    defs: Schema = schema["$defs"]
    defs["Secret"] = _SECRET
    root = defs.pop(_name(references[(Settings, "validation")]))
    root["additionalProperties"] = {"type": "object"}  # perhaps a plugin's that is not installed
    root["properties"]["sinks"] = {"type": "array", "items": _sinks(registry, references, defs)}
    for spec in registry.all_specs():
        _place(spec, references[(spec.config, "validation")], root, defs)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "voicecall configuration",
        **_without_password(root),
        "$defs": {key: _without_password(value) for key, value in sorted(defs.items())},
    }


def _name(reference: Schema) -> str:
    return str(reference["$ref"]).removeprefix(_REF)


def _place(spec: PluginSpec, reference: Schema, root: Schema, defs: Schema) -> None:
    for section in spec.sections:
        *above, last = section.split(".")
        _object(root, defs, above)["properties"][last] = reference
    if isinstance(spec, ExposureSpec):
        fields = defs[_name(reference)]["properties"]
        for prefix, key in key_paths(spec):
            _object(root, defs, list(prefix))["properties"].setdefault(key, fields[key])


def _object(root: Schema, defs: Schema, path: list[str]) -> Schema:
    """The schema of the object at `path`, made when there is none."""
    schema = root
    for step in path:
        empty: Schema = {"type": "object", "properties": {}, "additionalProperties": True}
        below = schema["properties"].setdefault(step, empty)
        schema = defs[_name(below)] if "$ref" in below else below
    return schema


def _sinks(registry: Registry, references: Any, defs: Schema) -> Schema:
    options = []
    for spec in registry.specs(SinkSpec):
        section = defs[_name(references[(spec.config, "validation")])]
        properties = {"use": {"const": spec.name}, **section.get("properties", {})}
        required = ["use", *section.get("required", [])]
        options.append({**section, "properties": properties, "required": required})
    return {"anyOf": options} if options else {"type": "object", "required": ["use"]}


def _without_password(schema: Any) -> Any:
    """Secrets may be written in more ways than the model's type says."""
    if isinstance(schema, list):
        return [_without_password(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "password" and schema.get("writeOnly"):
        kept = {key: schema[key] for key in ("title", "description") if key in schema}
        return {**kept, "$ref": f"{_REF}Secret"}
    return {key: _without_password(value) for key, value in schema.items()}
