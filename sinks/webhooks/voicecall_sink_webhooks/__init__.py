"""Outgoing webhooks in Standard Webhooks form."""
