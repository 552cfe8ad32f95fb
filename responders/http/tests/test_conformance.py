"""Does the responder keep every rule that responders keep?"""

from voicecall_conformance import ResponderConformance
from voicecall_responder_http.harness import HttpHarness


class TestHttp(ResponderConformance):
    harness_type = HttpHarness
