"""Text to speech with OpenAI."""
