"""How is voice activity detection proved? With a voice, and with everything that is none."""
