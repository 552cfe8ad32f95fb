"""What does an author write to have a responder proved? What is behind it, in a few methods."""

from __future__ import annotations

from typing import Any, ClassVar

from voicecall.sdk import PluginContext, ReplyPart, ResponderContext, ResponderSpec
from voicecall_conformance.speech.harness import PluginHarness
from voicecall_conformance.speech.responder.rulebook import RESPONDER

TURNS = ("the opening hours", "the price list", "the next train to town")
"""What callers of the suite say, so that a responder without a mind of its own can be prepared."""
ERRAND = "the extension of the workshop"
"""What a caller says who wants keys pressed, and to be connected."""
ABSURDITY = "the self-destruction"
"""What a caller says for whom something is wished that there is not."""
UNHEARD_OF = "self_destruct"
"""The name of that wish."""
FAREWELL = "goodbye"
"""What a caller says who wants us to hang up."""


def sentences(text: str) -> tuple[str, str]:
    """What has to be behind a responder: the reply to `text`, in its two sentences."""
    return f"You asked me about {text}.", f"I will gladly tell you all about {text}."


class ResponderHarness(PluginHarness):
    """What is behind one responder. Register it so that anybody can run the suite::

        [project.entry-points."voicecall.conformance.responder"]
        acme = "voicecall_responder_acme.testing:AcmeHarness"

    It answers every turn with the `sentences` about its text, whichever call it is of: `ERRAND`
    with its `errand` after them, `ABSURDITY` with the wish that is `UNHEARD_OF`, and `FAREWELL`
    with a farewell of its own and the wish to hang up.
    """

    kind = "responder"
    hook_name = "voicecall_responders"
    rules = RESPONDER

    models: ClassVar[tuple[str, ...]] = ()
    """What `responseModel` names, the general one first."""
    ends_calls: ClassVar[bool] = True
    """Whether what is behind it can wish to hang up."""
    errand: ClassVar[tuple[ReplyPart, ...]] = ()
    """What is wished for `ERRAND`; nothing where it can wish nothing."""
    invents: ClassVar[bool] = False
    """Whether what is behind it can wish something that there is not."""
    steers: ClassVar[bool] = False
    """Whether that can be told how to answer: `stall`, `go_on` and `cut`."""
    sees_drops: ClassVar[bool] = False
    """Whether that can see that nobody waits any more: `dropped`."""

    def context(self, **lent: Any) -> PluginContext:
        """What the kernel lends to a responder."""
        return ResponderContext(models=self.models, **lent)

    def reply(self, text: str) -> str:
        """What is to be said to `text`; overridden where nothing is behind the responder and it
        has a mind of its own."""
        return " ".join(sentences(text))

    def told(self) -> str | None:
        """All that it was told with its last turn, as text; None where it is told nothing."""
        return None

    def impatient(self) -> ResponderSpec | None:
        """The spec with its waits shortened to less than a second; None: it waits for ever."""
        return None

    def stall(self) -> None:
        """The next reply's first sentence comes, and the rest after `go_on`."""
        raise LookupError(f"{type(self).__name__} steers; override `stall`")

    async def stalled(self) -> None:
        """Returns when the first sentence was sent."""
        raise LookupError(f"{type(self).__name__} steers; override `stalled`")

    def go_on(self) -> None:
        """The rest of the reply comes, for whoever still waits."""
        raise LookupError(f"{type(self).__name__} steers; override `go_on`")

    def cut(self) -> None:
        """The next reply breaks off after its first sentence."""
        raise LookupError(f"{type(self).__name__} steers; override `cut`")

    async def dropped(self) -> None:
        """Returns when it is seen that nobody waits for the stalled reply any more."""
        raise LookupError(f"{type(self).__name__} sees drops; override `dropped`")
