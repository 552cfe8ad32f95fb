"""How is a TTS backend proved?"""
