"""Does the backend keep every rule that STT backends keep?"""

from voicecall_conformance import SttConformance
from voicecall_stt_sphinx.harness import SphinxHarness


class TestSphinx(SttConformance):
    harness_type = SphinxHarness
