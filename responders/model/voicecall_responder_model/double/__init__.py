"""The vendors on this machine, strict about what they are asked: for tests and benchmarks."""
