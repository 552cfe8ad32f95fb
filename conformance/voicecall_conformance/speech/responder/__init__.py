"""How is a responder proved?"""
