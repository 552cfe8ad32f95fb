"""Voice activity detection with Silero's neural network."""
