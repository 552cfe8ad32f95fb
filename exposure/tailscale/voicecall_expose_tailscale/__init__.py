"""Reachability through Tailscale: Serve for your own network, Funnel for everybody."""
