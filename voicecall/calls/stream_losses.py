"""Is another media stream worth asking for? Each loss soon after a start makes it less so."""

from __future__ import annotations

STEADY_SECONDS = 5.0
"""Call seconds. A stream that lasted so long was well, and the next is asked for at once."""
FIRST_PAUSE_SECONDS = 0.5
MOST_LOSSES = 5
"""So many streams that were lost at once end the call: after about eight seconds."""


class StreamLosses:
    """How often in a row the media stream of one call was lost at once."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def pause_after(self, lasted: float) -> float | None:
        """How long to wait before the next stream is asked for; None: no more.

        Args:
            lasted: the lost stream, in call seconds; 0 for one that never started.
        """
        if lasted >= STEADY_SECONDS:
            self._in_a_row = 0
            return 0.0
        self._in_a_row += 1
        if self._in_a_row >= MOST_LOSSES:
            return None
        return 0.0 if self._in_a_row == 1 else FIRST_PAUSE_SECONDS * 2.0 ** (self._in_a_row - 2)
