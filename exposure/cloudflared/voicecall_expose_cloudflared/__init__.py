"""Reachability through Cloudflare: quick tunnels without an account, or a named tunnel."""
