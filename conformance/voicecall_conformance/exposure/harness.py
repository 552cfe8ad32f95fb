"""What does an author write to have an exposure proved? A double of what makes us reachable."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from voicecall.sdk import ExposureContext
from voicecall_conformance.exposure.rulebook import EXPOSURE
from voicecall_conformance.speech.harness import PluginHarness


class Mishap(StrEnum):
    """A way in which a start goes wrong."""

    REFUSED = "refused"
    """What is started says why it will not, in words that hold the plugin's secrets, and ends."""
    HANGS = "hangs"
    """It starts, says nothing of use and never gets anywhere."""
    MISSING = "missing"
    """The program is not there."""


class ExposureHarness(PluginHarness):
    """One exposure, and a double of the agent or daemon that it drives. Register it so that anybody
    can run the suite::

        [project.entry-points."voicecall.conformance.exposure"]
        acme = "voicecall_expose_acme.harness:AcmeHarness"

    A new one is made for every test. `vendor` sets the double up (an executable in a temporary
    directory, say), yields the plugin's section, which must be expressible as JSON because the rule
    about crashes opens it in another process, and afterwards takes everything away that is still
    there. Within it the suite opens and closes the plugin as often as it likes, always for the
    listener `local_url`, and asks the double what there is.

    An exposure that starts nothing and changes nothing sets `starts` to False, and all that is
    left to write is `vendor`; the rules about starting do not apply to it then.
    """

    kind = "exposure"
    hook_name = "voicecall_exposures"
    rules = EXPOSURE

    starts: ClassVar[bool] = True
    """Whether opening it starts or changes something outside of this process."""
    drifts: ClassVar[bool] = False
    """Whether its public name can change while it is open (`drift`)."""
    forwards: ClassVar[bool] = False
    """Whether the double hands requests on (`send`)."""
    marks_processes: ClassVar[bool] = True
    """Whether what it starts are processes of its own, which its marker names by ``pid``."""
    outlives: ClassVar[bool] = True
    """Whether what is opened by hand can outlive the process that opened it."""
    mishaps: ClassVar[frozenset[Mishap]] = frozenset(Mishap)
    """In which ways a start can go wrong; none of them where nothing is started."""
    limits: ClassVar[Mapping[str, float]] = {}
    """Every limit of the plugin's own on waiting for what is outside, by its dotted name
    (``package.module.CONSTANT``) → real seconds that it is set to in the tests in which it has to
    run out. The plugin must read it through its module whenever it waits. What the constants say
    themselves, added up, is how long opening can take; it must be less than 30 s."""

    webhook_path: ClassVar[str] = "/voice/webhook"
    stream_path: ClassVar[str] = "/voice/stream"

    port = 0
    """Of our listener; set by the suite before anything is opened."""

    @property
    def local_url(self) -> str:
        """Where our listener is: ``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self.port}"

    def context(self, **lent: Any) -> ExposureContext:
        """What the kernel lends to it."""
        return ExposureContext(
            **lent,
            host="127.0.0.1",
            port=self.port,
            webhook_path=self.webhook_path,
            stream_path=self.stream_path,
        )

    # -- what the double tells

    async def reaches(self, url: str) -> str | None:
        """Where the public side would hand on a request for the public `url` (https or wss) now:
        ``http://HOST:PORT/PATH`` as the listener would see it. None: nobody answers there.

        Only asked where something is started.
        """
        raise self._unwritten("reaches")

    async def present(self) -> Sequence[str]:
        """Everything that is there because of the plugin, each in a few words: running processes
        (also those of an earlier opening, but no zombies), mappings, sessions. Nothing of anybody
        else's (`intrude`), and no files in the state directory: the suite looks there itself."""
        if not self.starts:
            return ()
        raise self._unwritten("present")

    async def started(self) -> int:
        """How often anything was started or changed outside so far; looking only does not count."""
        if not self.starts:
            return 0
        raise self._unwritten("started")

    async def command_lines(self) -> Sequence[str]:
        """Every command line with which the plugin started something, as others on this machine
        could read it."""
        if not self.starts:
            return ()
        raise self._unwritten("command_lines")

    def folders(self) -> Sequence[Path]:
        """Where the plugin may write files beside the state directory."""
        return ()

    # -- what the double is told

    def meet(self, mishap: Mishap | None) -> None:
        """From now on every start meets `mishap`, one of `mishaps`; None: all is well again."""
        raise self._unwritten("meet")

    async def die(self) -> None:
        """The public side is gone, without a word: the agent is killed, the mapping removed by its
        owner, whatever happens to it in life. Returns when `reaches` would say None."""
        raise self._unwritten("die")

    async def drift(self) -> None:
        """The public name is another one from now on, and the old one leads nowhere."""
        raise self._unwritten("drift")

    async def send(self, url: str, body: bytes) -> None:
        """A carrier posts `body` to the public `url`, which has a query; the double hands it on."""
        raise self._unwritten("send")

    # -- what is somebody else's

    async def intrude(self, state_dir: Path) -> None:
        """Somebody else sets up what looks most like ours: another mapping on the same host, a
        process of the same program, and whatever else the plugin might mistake for its own, for
        example a marker in ``state_dir/exposures`` whose process id now is somebody else's."""
        raise self._unwritten("intrude")

    async def disturbed(self) -> Sequence[str]:
        """What of `intrude` is no longer as it was, each in a few words."""
        raise self._unwritten("disturbed")

    def _unwritten(self, name: str) -> LookupError:
        return LookupError(f"{type(self).__name__} starts something; override `{name}`")

    @abstractmethod
    def vendor(self) -> Any:
        """The double, serving for the block; yields the plugin's section."""
