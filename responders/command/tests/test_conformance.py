"""Does the responder keep every rule that responders keep?"""

from voicecall_conformance import ResponderConformance
from voicecall_responder_command.harness import CommandHarness


class TestCommand(ResponderConformance):
    harness_type = CommandHarness
