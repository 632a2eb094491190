"""Times as people read them."""

from dubkit.record import Seconds


def clock(seconds: Seconds, digits: int = 1) -> str:
    """A time as minutes and seconds."""
    whole = round(seconds, digits)
    return f"{int(whole // 60)}:{whole % 60:0{digits + 3 if digits else 2}.{digits}f}"
