"""Which line is next? Pure: the lines that a call has used, and what the caller said."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from voicecall_responder_scripted.config import ScriptLine


class Script:
    """Where each call stands in the script.

    Args:
        lines: the script.
        repeat: whether a call that has used every line begins anew.
        most_calls: how many calls are remembered; the one that spoke longest ago is forgotten.
    """

    def __init__(self, lines: Sequence[ScriptLine], *, repeat: bool, most_calls: int) -> None:
        self._lines = lines
        self._repeat = repeat
        self._most_calls = most_calls
        self._used: OrderedDict[str, set[int]] = OrderedDict()

    def next(self, call_id: str, said: str) -> ScriptLine | None:
        """The reply to `said`; the line counts as used from now on.

        Returns:
            The first unused line that matches, else the first unused line for any turn, else
            None: nothing is left that fits.
        """
        used = self._used_by(call_id)
        number = self._choose(used, said)
        if number is None and self._repeat:
            used.clear()
            number = self._choose(used, said)
        if number is None:
            return None
        used.add(number)
        return self._lines[number]

    def _choose(self, used: set[int], said: str) -> int | None:
        unused = [number for number in range(len(self._lines)) if number not in used]
        fitting = [number for number in unused if self._matches(number, said)]
        free = [number for number in unused if self._lines[number].match is None]
        return next(iter([*fitting, *free]), None)

    def _matches(self, number: int, said: str) -> bool:
        wanted = self._lines[number].match
        return wanted is not None and wanted.casefold() in said.casefold()

    def _used_by(self, call_id: str) -> set[int]:
        used = self._used.setdefault(call_id, set())
        self._used.move_to_end(call_id)
        while len(self._used) > self._most_calls:
            self._used.popitem(last=False)
        return used
