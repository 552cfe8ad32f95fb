"""Every event of every call as a line of JSON."""
