"""When speech is heard: spans, the slots of lines, what overlaps, and lines with their times."""
