"""Translation by chat models."""
