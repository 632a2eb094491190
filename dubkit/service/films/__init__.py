"""Films on their way in: checked as they come, looked into, resumed where a line broke."""
