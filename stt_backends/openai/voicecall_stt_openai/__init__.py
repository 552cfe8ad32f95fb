"""Speech to text with OpenAI."""
