"""Which carrier needs no account? A simulated phone network, as a voicecall provider."""
