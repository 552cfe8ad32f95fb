"""How are speech backends and responders proved? With suites of their own, in the same form."""
