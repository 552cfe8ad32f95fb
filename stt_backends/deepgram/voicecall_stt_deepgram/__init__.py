"""Speech to text with Deepgram."""
