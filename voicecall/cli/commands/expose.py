"""`voicecall expose`: make the webhook reachable by hand, or take that away again."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from pydantic import ValidationError

from voicecall.cli.exit_codes import Exit, UsageError
from voicecall.cli.loading import load, ready_state_dir
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output
from voicecall.config.loaded import LoadedConfig, Selected
from voicecall.errors import ExposureError
from voicecall.exposing import Exposing
from voicecall.sdk.config import Section
from voicecall.sdk.specs import ExposureSpec

OFF = "off"


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument(
        "--mode",
        help="how, as the exposure names it: serve (your own network), funnel (everybody); "
        "off takes it away (default: as configured, else funnel)",
    )
    parser.add_argument("--use", metavar="NAME", help="the exposure, instead of the configured one")
    parser.add_argument("--path", help="the public path (default: as configured)")
    parser.add_argument("--port", type=int, help="our port (default: serve.port)")
    parser.add_argument("--serve-path", help="our path (default: serve.path)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What is to be exposed, and by what."""

    chosen: Selected[ExposureSpec]
    mode: str
    path: str
    exposing: Exposing


def run(options: Options) -> int:
    """Do it."""
    loaded, state = load(options), ready_state_dir(options)
    wish = _wish(options, loaded, state)
    return anyio.run(_remove if wish.mode == OFF else _expose, wish, Output(as_json=options.json))


async def _expose(wish: _Wish, output: Output) -> int:
    async with AsyncExitStack() as stack:
        try:
            endpoint = await wish.exposing.open(wish.chosen, stack)
        except ExposureError as error:
            return _told(wish, output, None, error)
        return _told(wish, output, endpoint.webhook_url, None)


async def _remove(wish: _Wish, output: Output) -> int:
    try:
        found = await wish.exposing.remove(wish.chosen)
    except ExposureError as error:
        return _told(wish, output, None, error)
    document = {**_document(wish, None), "ok": True, "removed": found}
    output.result(document, "taken away" if found else "nothing was exposed by hand")
    return Exit.OK


def _told(wish: _Wish, output: Output, url: str | None, error: ExposureError | None) -> int:
    document = _document(wish, url)
    if error is None:
        output.result(document, f"{url} leads to {wish.exposing.local_url}")
        return Exit.OK
    hint = {"note": error.remedy} if error.remedy else {}
    output.result({**document, "ok": False, "error": error.reason, "hint": hint}, error.message)
    return Exit.PROVIDER


def _document(wish: _Wish, url: str | None) -> dict[str, object]:
    return {
        "ok": url is not None,
        "exposure": wish.chosen.spec.name,
        "mode": wish.mode,
        "path": wish.path,
        "localUrl": wish.exposing.local_url,
        "publicUrl": url,
    }


def _wish(options: Options, loaded: LoadedConfig, state: Path) -> _Wish:
    settings = loaded.settings
    exposing = Exposing(
        loaded,
        state_dir=state,
        port=settings.serve.port if options.port is None else options.port,
        webhook_path=options.serve_path or settings.serve.path,
    )
    chosen = _chosen(options, loaded)
    config = _changed(chosen, options)
    mode = options.mode or str(getattr(config, "mode", "on"))
    return _Wish(
        chosen=Selected(spec=chosen.spec, config=config),
        mode=mode,
        path=str(getattr(config, "path", None) or exposing.webhook_path),
        exposing=exposing,
    )


def _chosen(options: Options, loaded: LoadedConfig) -> Selected[ExposureSpec]:
    """The exposure that is named; else the configured tunnel; else the one that knows the mode."""
    specs = loaded.registry.specs(ExposureSpec)
    if options.use is not None:
        spec = loaded.registry.get(ExposureSpec, options.use)
        return Selected(spec=spec, config=loaded.section(spec))
    if loaded.exposure is not None and not loaded.exposure.spec.opens_quietly:
        return loaded.exposure
    able = [spec for spec in specs if "mode" in spec.config.model_fields]
    if len(able) == 1:
        return Selected(spec=able[0], config=loaded.section(able[0]))
    names = ", ".join(spec.name for spec in specs if not spec.opens_quietly)
    raise UsageError(f"what shall expose it? say --use NAME; installed: {names or 'none'}")


def _changed(chosen: Selected[ExposureSpec], options: Options) -> Section:
    """The section with what the command line says, checked again."""
    fields, config = chosen.spec.config.model_fields, chosen.config
    asked: dict[str, Any] = {"mode": options.mode, "path": options.path}
    if "mode" in fields and options.mode is None and getattr(config, "mode", OFF) == OFF:
        asked["mode"] = "funnel"
    wanted = {key: value for key, value in asked.items() if value is not None}
    for key in wanted:
        if key not in fields and wanted[key] != OFF:
            raise UsageError(f"exposure {chosen.spec.name!r} knows no --{key}")
    try:
        given = {name: getattr(config, name) for name in fields}
        update = {key: value for key, value in wanted.items() if key in fields}
        return chosen.spec.config.model_validate({**given, **update})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"--{place}: {first['msg']}") from error
