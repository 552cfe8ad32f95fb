"""Which mounts are ours? Those that stand in a marker, which is written before they are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from voicecall.sdk import Marker
from voicecall_expose_tailscale.serving import Mount

GATEWAY = "tailscale"
BY_HAND = "tailscale-by-hand"
"""Names of markers: of what ends with a gateway, and of what `voicecall expose` leaves there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A mount of ours. `before`: the target of one of ours that it took the place of."""

    mount: Mount
    before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one of us made.

    Args:
        made: the mounts.
        funnels: name and port → whether the internet got in there before.
    """

    made: tuple[Made, ...] = ()
    funnels: Mapping[tuple[str, int], bool]

    @property
    def mounts(self) -> frozenset[Mount]:
        """The mounts alone."""
        return frozenset(each.mount for each in self.made)

    def with_made(self, made: Iterable[Made]) -> Record:
        """And these; of two at one place the later one counts, with what was before the first."""
        places = {(each.mount.host, each.mount.port, each.mount.path): each for each in self.made}
        for each in made:
            place = (each.mount.host, each.mount.port, each.mount.path)
            known = places.get(place)
            places[place] = replace(each, before=known.before) if known else each
        return replace(self, made=tuple(places.values()))

    def only(self, mounts: Iterable[Mount]) -> Record:
        """Without what is not among `mounts`."""
        kept = set(mounts)
        return replace(self, made=tuple(each for each in self.made if each.mount in kept))


class Ledger:
    """The record of one of us, in the state directory.

    Args:
        state_dir: `PluginContext.state_dir`.
        name: GATEWAY or BY_HAND.
    """

    def __init__(self, state_dir: Path, name: str) -> None:
        self._marker = Marker(state_dir, name)

    def read(self) -> Record:
        """What is noted; what cannot be read is nothing."""
        noted = self._marker.read() or {}
        made, funnels = noted.get("made"), noted.get("funnels")
        return Record(
            made=tuple(filter(None, map(_made, made if isinstance(made, list) else []))),
            funnels=dict(filter(None, map(_funnel, funnels if isinstance(funnels, list) else []))),
        )

    def write(self, record: Record) -> None:
        """Note it; an empty one is forgotten."""
        if not record.made and not record.funnels:
            self._marker.clear()
            return
        self._marker.write(
            {
                "made": [
                    {
                        "host": each.mount.host,
                        "port": each.mount.port,
                        "path": each.mount.path,
                        "target": each.mount.target,
                        "before": each.before,
                    }
                    for each in record.made
                ],
                "funnels": [
                    {"host": host, "port": port, "before": before}
                    for (host, port), before in record.funnels.items()
                ],
            }
        )


def _made(found: Any) -> Made | None:
    match found:
        case {"host": str(host), "port": int(port), "path": str(path), "target": str(target)}:
            before = found.get("before")
            mount = Mount(host=host, port=port, path=path, target=target)
            return Made(mount=mount, before=before if isinstance(before, str) else None)
    return None


def _funnel(found: Any) -> tuple[tuple[str, int], bool] | None:
    match found:
        case {"host": str(host), "port": int(port), "before": bool(before)}:
            return (host, port), before
    return None
