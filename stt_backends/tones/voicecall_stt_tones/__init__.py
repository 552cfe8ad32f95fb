"""Speech to text for tests: text from audible tones."""
