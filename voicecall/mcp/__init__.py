"""The phone as a Model Context Protocol server: tools from the one table, a resource a call."""
