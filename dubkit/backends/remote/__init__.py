"""Back ends on other hosts."""
