"""What can be configured? The lines, when each fits, and what follows the last."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

from voicecall.sdk import Field, Section, is_e164


class ScriptLine(Section):
    """One reply. A plain string in the file is a line that only says something."""

    say: str = ""
    """What we say; may be empty when the line does something."""

    match: str | None = None
    """The line is for turns of the caller that hold this text, in upper or lower case."""

    press: str | None = Field(default=None, pattern=r"^[0-9A-D*#wW]+$")
    """Keys to press after what was said; ``w`` waits half a second, ``W`` a whole one."""

    transfer_to: str | None = None
    """Number (E.164) to connect the caller to after what was said."""

    end: bool = False
    """Hang up after what was said."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.transfer_to is not None and not is_e164(self.transfer_to):
            raise ValueError("`transferTo` must be a number in the form +15550001234")
        if self.transfer_to is not None and self.end:
            raise ValueError("set `transferTo` or `end`, not both")
        if self.match is not None and not self.match.strip():
            raise ValueError("`match` must not be empty; leave it out for a line that always fits")
        if not (self.say.strip() or self.press or self.transfer_to or self.end):
            raise ValueError("a line must `say`, `press`, `transferTo` or `end`")
        return self


def _line_of_text(raw: object) -> object:
    return {"say": raw} if isinstance(raw, str) else raw


class ScriptedConfig(Section):
    """`responders.scripted`."""

    lines: tuple[Annotated[ScriptLine, BeforeValidator(_line_of_text)], ...] = Field(min_length=1)
    """What we say, turn by turn: strings, or objects with `say`, `match`, `press`,
    `transferTo`, `end`."""

    afterwards: Literal["silence", "repeat", "end"] = "silence"
    """When no line is left that fits: say nothing more, begin anew, or hang up."""
