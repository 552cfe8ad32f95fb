"""How are secrets read from the named providers of an OpenClaw file (`secrets.providers`)?

Source: https://docs.openclaw.ai/gateway/secrets
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any


class SecretStores:
    """The `secrets.providers` of a gateway file.

    Args:
        providers: name → its object, as parsed.
        read_file: gives the text of a file; ValueError when it cannot.
        run: gives what a command prints when fed some bytes; ValueError when it fails.
    """

    def __init__(
        self,
        providers: Mapping[str, object],
        *,
        read_file: Callable[[str], str],
        run: Callable[[Sequence[str], bytes], str],
    ) -> None:
        self._providers = providers
        self._read_file = read_file
        self._run = run

    def read(self, source: str, name: str, item: str) -> str:
        """Secret `item` of provider `name`.

        Args:
            source: ``file`` or ``exec``.
            name: of the provider.
            item: a JSON pointer (RFC 6901) into a file, or an id that a command understands.

        Raises:
            ValueError: no such provider, or it does not have the secret.
        """
        provider = self._providers.get(name)
        if not isinstance(provider, dict) or provider.get("source") != source:
            raise ValueError(
                f"secret provider {name!r} of source {source!r} is not defined; "
                "add it under secrets.providers"
            )
        return (
            self._from_file(name, provider, item)
            if source == "file"
            else (self._from_command(name, provider, item))
        )

    def _from_file(self, name: str, provider: Mapping[str, Any], item: str) -> str:
        path = provider.get("path")
        if not isinstance(path, str):
            raise ValueError(f"secret provider {name!r} has no path")
        text = self._read_file(path)
        if provider.get("mode") == "singleValue":
            return text
        return _pointed_at(_as_json(text, name), item, name)

    def _from_command(self, name: str, provider: Mapping[str, Any], item: str) -> str:
        command, arguments = provider.get("command"), provider.get("args", [])
        if not isinstance(command, str) or not isinstance(arguments, list):
            raise ValueError(f"secret provider {name!r} needs a command, and args as a list")
        request = json.dumps({"protocolVersion": 1, "provider": name, "ids": [item]})
        printed = self._run([command, *map(str, arguments)], request.encode())
        if provider.get("jsonOnly") is False and not printed.lstrip().startswith("{"):
            return printed.strip()
        answer = _as_json(printed, name)
        values = answer.get("values") if isinstance(answer, dict) else None
        value = values.get(item) if isinstance(values, dict) else None
        if not isinstance(value, str):
            raise ValueError(f"secret provider {name!r} has no value for id {item!r}")
        return value


def _as_json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(f"what secret provider {name!r} gives is not JSON") from None


def _pointed_at(document: Any, pointer: str, name: str) -> str:
    value = document
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        value = value.get(key) if isinstance(value, dict) else None
    if not pointer.startswith("/") or not isinstance(value, str):
        raise ValueError(f"secret provider {name!r} has no text at {pointer!r}")
    return value
