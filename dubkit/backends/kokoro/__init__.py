"""Kokoro-82M: natural voices out of ordinary packages."""
