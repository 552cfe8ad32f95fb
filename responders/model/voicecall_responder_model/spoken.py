"""What of a model's answer is said aloud? Plain speech, sentence by sentence, as tokens arrive.

Pure, and the same however the answer is cut into tokens. Thinking, code and planning are left
out; of a JSON object its words for people are taken; the rest is made fit for the ear by
`speakable`.
"""

from __future__ import annotations

import re

from voicecall_responder_model.speakable import speakable
from voicecall_responder_model.structured import (
    OBJECT,
    OBJECT_PERHAPS,
    read_fence,
    read_object,
    read_rest,
)

FENCE = "```"
LONGEST = 400
"""Characters after which a sentence without an end is cut at a blank."""

_CHANNEL_END = "<|channel|>final<|message|>"
_THINKING = ("think", "thinking", "thought", "reasoning", "reflection", "scratchpad", "analysis")
_HIDDEN = {
    FENCE: FENCE,
    "<|channel|>analysis": _CHANNEL_END,
    "<|channel|>commentary": _CHANNEL_END,
    **{f"<{tag}>": f"</{tag}>" for tag in _THINKING},
}
"""What begins something that is not said → what ends it; lower case."""
_BEGIN = re.compile("|".join([*map(re.escape, _HIDDEN), OBJECT.pattern]), re.IGNORECASE)

_END = re.compile(r"\n|[.!?…][\"'»”’)\]*_`]*(?=[ \t\n])|[。！？]+(?=[^。！？])")
_ENUMERATION = re.compile(r"[ \t]*(?:[#>*•-]+[ \t]*)*(?:\d{1,3}|[A-Za-z])[.)]")

_PLANNING = re.compile(
    r"(?:okay|ok|so|hmm|well|now)?[,. ]*"
    r"(?:the (?:user|caller)(?: is| has| just| now)*"
    r" (?:want|ask|say|said|need|seem|request|greet|mention|inquir|tr[yi])"
    r"|(?:i|we) (?:should|need to|must|have to)(?: now| first)?"
    r" (?:respond|reply|greet|(?:tell|ask) the (?:user|caller)))",
    re.IGNORECASE,
)
_PLANNING_ON = re.compile(
    r"(?:let me|let's|i will|i'll) (?:think|consider|reply|respond|answer)\b", re.I
)
"""What is planning only when it follows some."""
_PLANNING_LABEL = re.compile(
    r"(?:thinking(?: process)?|thoughts?|reasoning|chain of thought|internal monologue)\s*:",
    re.IGNORECASE,
)
_LABEL = re.compile(r"(?:(?:final )?(?:answer|response|reply)|assistant|agent|bot|ai)\s*:\s*", re.I)


class SpokenText:
    """Turns the text of one answer into speech.

    Args:
        language: in which addresses are read out.
    """

    def __init__(self, language: str = "en") -> None:
        self._language = language
        self._raw = ""
        self._closer: str | None = None
        self._fenced = ""
        self._in_object = False
        self._shown = ""
        self._spoke = False
        self._planning = False
        self._planned = False

    def feed(self, text: str) -> str:
        """What can be said now that `text` came as well: whole sentences, or ``""``."""
        self._raw += text
        self._uncover()
        return "".join(self._units())

    def finish(self) -> str:
        """What is left to be said; the answer is complete."""
        rest = self._raw
        if self._in_object:
            rest = read_rest(rest)
        elif self._closer is not None:
            rest = self._of_fence(rest)
        self._raw, self._shown = "", self._shown + rest
        return "".join([*self._units(), self._unit(self._shown)])

    def _uncover(self) -> None:
        """Move what is not hidden from `_raw` to `_shown`, as far as that can be known."""
        while self._left_object() and self._left_hidden():
            begin = _BEGIN.search(self._raw)
            if begin is None:
                sure = len(self._raw) - _beginning(self._raw.lower())
                self._shown, self._raw = self._shown + self._raw[:sure], self._raw[sure:]
                return
            self._shown += self._raw[: begin.start()] + "\n"
            self._closer = _HIDDEN.get(begin[0].lower())
            self._in_object = self._closer is None
            self._raw = self._raw[begin.start() if self._in_object else begin.end() :]

    def _left_object(self) -> bool:
        """Whether we are in no object (any more), whose words are shown then."""
        if self._in_object:
            found = read_object(self._raw)
            if found is None:
                return False
            self._in_object = False
            self._shown, self._raw = f"{self._shown}{found[0]}\n", found[1]
        return True

    def _left_hidden(self) -> bool:
        """Whether we are in nothing hidden (any more)."""
        if self._closer is None:
            return True
        end = self._raw.lower().find(self._closer)
        keep = end if end >= 0 else max(0, len(self._raw) + 1 - len(self._closer))
        if self._closer == FENCE:
            self._fenced += self._raw[:keep]
        if end < 0:
            self._raw = self._raw[keep:]
            return False
        self._raw = self._raw[end + len(self._closer) :]
        self._shown += self._of_fence("")
        self._closer = None
        return True

    def _of_fence(self, rest: str) -> str:
        """What the block of code says that ends with `rest`: an object may be the answer."""
        fenced, self._fenced = self._fenced + rest, ""
        said = read_fence(fenced) if self._closer == FENCE else ""
        return f"{said}\n" if said else ""

    def _units(self) -> list[str]:
        said = []
        while (end := _unit_end(self._shown)) is not None:
            unit, self._shown = self._shown[:end], self._shown[end:]
            said.append(self._unit(unit))
        return said

    def _unit(self, text: str) -> str:
        """`text`, a sentence or a line, as speech that ends with a blank."""
        if not self._spoke:
            bare = text.lstrip(" \t\n*_#")
            if self._is_planning(bare, line_ends="\n" in text):
                return ""
            if label := _LABEL.match(bare):
                text = bare[label.end() :]
        speech = speakable(text, self._language)
        self._spoke = self._spoke or bool(speech)
        return f"{speech} " if speech else ""

    def _is_planning(self, text: str, *, line_ends: bool) -> bool:
        if not self._planning and not _PLANNING_LABEL.match(text):
            planned = self._planned and _PLANNING_ON.match(text) is not None
            self._planned = planned or _PLANNING.match(text) is not None
            return self._planned
        self._planning = not line_ends  # a label counts to the end of its line
        return True


def _unit_end(text: str) -> int | None:
    """Where the first sentence or line of `text` ends; None while nobody can know."""
    for match in _END.finditer(text, 0, LONGEST + 1):
        line = text.rfind("\n", 0, match.start()) + 1
        if not _ENUMERATION.fullmatch(text, line, match.end()):
            return match.end()
    if len(text) <= LONGEST:
        return None
    blank = text.rfind(" ", 1, LONGEST)
    return blank if blank > 0 else LONGEST


def _beginning(text: str) -> int:
    """How many characters at the end of `text` may be the beginning of something hidden."""
    if begun := OBJECT_PERHAPS.search(text):
        return len(text) - begun.start()
    for size in range(min(len(text), max(map(len, _HIDDEN)) - 1), 0, -1):
        if any(begin.startswith(text[-size:]) for begin in _HIDDEN):
            return size
    return 0
