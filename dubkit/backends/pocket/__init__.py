"""Kyutai's Pocket TTS, which can copy a voice."""
