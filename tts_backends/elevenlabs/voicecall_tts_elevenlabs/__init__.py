"""Text to speech with ElevenLabs."""
