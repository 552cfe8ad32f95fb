"""Text to speech for tests: text as audible tones."""
