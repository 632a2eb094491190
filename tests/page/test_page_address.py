"""Addresses of the page."""

import pytest

from dubkit.page.address import LONGEST, Address, read


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("", Address()),
        (None, Address()),
        ("?job=abc", Address("abc")),
        ("?films", Address(is_list=True)),
        ("?films=abc", Address(is_list=True, before="abc")),
        ("?job=a&films", Address("a")),
        ("?job=", Address()),
        ("?other=1", Address()),
        (f"?job={'x' * 5000}", Address("x" * LONGEST)),
    ],
)
def test_what_an_address_asks_for(query, meant):
    assert read(query) == meant
