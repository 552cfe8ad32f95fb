"""Your own program answers callers: JSON lines in, JSON lines out."""
