"""How is speech recognition proved? By what it makes of what was said."""
