"""espeak-ng: phonemes, and a robotic voice for almost any language."""
