"""Reachability through an ngrok agent of our own."""
