"""Texts that are compared: made alike, aligned, cut into lines, and shown where they differ."""
