"""Does the responder keep every rule that responders keep?"""

from voicecall_conformance import ResponderConformance
from voicecall_responder_scripted.harness import ScriptedHarness


class TestScripted(ResponderConformance):
    harness_type = ScriptedHarness
