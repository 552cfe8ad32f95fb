"""Reachability through a public URL that you run yourself."""
