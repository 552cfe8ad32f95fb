"""What does an author of a plugin import? The suites, the harnesses and their vocabulary."""

from voicecall_conformance.borrowed import NOW
from voicecall_conformance.exposure.harness import ExposureHarness, Mishap
from voicecall_conformance.exposure.suite import ExposureConformance
from voicecall_conformance.harness import ProviderHarness, post
from voicecall_conformance.ledger import (
    UNTOLD,
    Asked,
    Commanded,
    Deviation,
    Dialled,
    Failure,
    HungUp,
    LedgerEntry,
    Untold,
)
from voicecall_conformance.provider_suite import ProviderConformance
from voicecall_conformance.requirements import REQUIREMENTS, Level, Requirement
from voicecall_conformance.speech.harness import Trouble
from voicecall_conformance.speech.responder.harness import (
    ABSURDITY,
    ERRAND,
    FAREWELL,
    TURNS,
    UNHEARD_OF,
    ResponderHarness,
    sentences,
)
from voicecall_conformance.speech.responder.suite import ResponderConformance
from voicecall_conformance.speech.streamed import Streamed, StreamingVendor
from voicecall_conformance.speech.stt.harness import SAID_TEXTS, SttHarness
from voicecall_conformance.speech.stt.suite import SttConformance
from voicecall_conformance.speech.tts.harness import SPOKEN_TEXT, TtsHarness
from voicecall_conformance.speech.tts.over_http import HttpTtsHarness
from voicecall_conformance.speech.tts.suite import TtsConformance
from voicecall_conformance.speech.vad.harness import VadHarness
from voicecall_conformance.speech.vad.suite import VadConformance
from voicecall_conformance.vendor import RestAnswer, RestRequest

__all__ = [
    "ABSURDITY",
    "ERRAND",
    "NOW",
    "FAREWELL",
    "REQUIREMENTS",
    "SAID_TEXTS",
    "SPOKEN_TEXT",
    "TURNS",
    "UNHEARD_OF",
    "UNTOLD",
    "Asked",
    "Commanded",
    "Deviation",
    "Dialled",
    "ExposureConformance",
    "ExposureHarness",
    "Failure",
    "HungUp",
    "LedgerEntry",
    "HttpTtsHarness",
    "Level",
    "Mishap",
    "ProviderConformance",
    "ProviderHarness",
    "Requirement",
    "ResponderConformance",
    "ResponderHarness",
    "RestAnswer",
    "RestRequest",
    "Streamed",
    "StreamingVendor",
    "SttConformance",
    "SttHarness",
    "Trouble",
    "TtsConformance",
    "TtsHarness",
    "Untold",
    "VadConformance",
    "VadHarness",
    "post",
    "sentences",
]
