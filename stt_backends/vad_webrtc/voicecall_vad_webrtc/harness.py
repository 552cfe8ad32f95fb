"""How does anybody prove the detector? `voicecall conformance vad:webrtc`."""

from __future__ import annotations

from voicecall_conformance import Deviation, VadHarness


class WebrtcHarness(VadHarness):
    """Nothing is behind it; the voice is espeak's."""

    name = "webrtc"
    module = "voicecall_vad_webrtc.plugin"
    deviations = {
        "vad.sounds": Deviation(
            "its mixture of Gaussians takes what is loud and has a pitch for a voice; `silero` "
            "tells them apart"
        )
    }
