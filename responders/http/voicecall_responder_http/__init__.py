"""Your own web service answers callers: one POST a turn."""
