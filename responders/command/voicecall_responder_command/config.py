"""What can be configured? The program, where it runs, and how many of it."""

from __future__ import annotations

from voicecall.sdk import Field, Secret, Section


class CommandConfig(Section):
    """`responders.command`."""

    argv: tuple[str, ...] = Field(min_length=1)
    """The program and its arguments; started once for every call, without a shell."""
    directory: str | None = None
    """Where it runs; absent: where the gateway was started."""
    env: dict[str, Secret] = Field(default_factory=dict)
    """Environment variables, added to the gateway's own."""
    max_processes: int = Field(default=32, gt=0)
    """How many may run at once; of idle ones that of the call that spoke longest ago ends first."""
    idle_seconds: float = Field(default=900, gt=0)
    """A program that was not asked for so long is ended; the next turn starts it anew."""
