"""Meta's MMS text-to-speech."""
