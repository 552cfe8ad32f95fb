"""A language model answers callers."""
