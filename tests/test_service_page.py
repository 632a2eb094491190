"""The documentation of the service says what the code does."""

from __future__ import annotations

from docs.service import PAGE, page, table
from dubkit.service.config import VARIABLES


def test_the_table_of_variables_is_the_code_s():
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run: python -m docs.service"
    assert table().count("\n") == len(VARIABLES) + 2
    assert "| `DUBKIT_MAX_MB` | Largest film | a whole number of 10^6 bytes from 1 | 200 |" in table()
