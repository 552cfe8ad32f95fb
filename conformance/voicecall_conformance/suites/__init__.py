"""The rules as tests, one module an area."""
