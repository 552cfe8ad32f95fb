"""`voicecall init`: write a configuration to start from, with comments; never over another."""

from __future__ import annotations

import os
from pathlib import Path

from voicecall.cli.exit_codes import Exit
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output
from voicecall.config.starting import starting_config
from voicecall.errors import ConfigError
from voicecall.plugins.loader import load_plugins
from voicecall.sdk.specs import ProviderSpec


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument(
        "--provider", metavar="NAME", default="mock", help="the carrier [mock, a simulated one]"
    )


def run(options: Options) -> int:
    """Do it."""
    path = Path(options.config or "voicecall.json5").expanduser()
    registry = load_plugins(os.environ)
    text = starting_config(registry.get(ProviderSpec, options.provider), registry)
    try:
        with open(path, "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigError(
            f"{path} exists and is left alone; name another file with --config"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
    steps = [f"voicecall {verb} --config {path}" for verb in ("config check", "smoke --yes")]
    hint = f"written: {path}\nread it, then: {steps[0]}; {steps[1]}"
    output = {"path": str(path.absolute()), "provider": options.provider}
    Output(as_json=options.json).result(output, hint)
    return Exit.OK
