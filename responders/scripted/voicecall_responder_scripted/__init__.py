"""A responder that follows a script."""
