"""Does the responder keep every rule that responders keep?"""

from voicecall_conformance import ResponderConformance
from voicecall_responder_model.harness import ModelHarness


class TestModel(ResponderConformance):
    harness_type = ModelHarness
