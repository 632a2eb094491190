"""The certificates as a table to read."""

import re

from builders import placement

from dubkit.certificate_table import CertificateTable, told

LINES = (
    placement("u1", "S1", (1, 3), (1, 3), 1.1, reason="fits as it is"),
    placement("u2", "S2", (4, 5), (4.5, 6), 1.25, flag="late", reason="starts <late>", text='<b>"x"</b> & y'),
)


def cells(page: str) -> list[list[str]]:
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(<td.*?)</tr>", page)]


def test_each_line_is_a_row_and_flagged_ones_stand_out() -> None:
    page = CertificateTable(LINES)._repr_html_()
    one, two = cells(page)
    assert one == [
        "", "u1", "S1", "1.00\u2060–\u20603.00", "1.00", "0.00", "1.10", "0.00", "fits as it is", "text of u1",
    ]  # fmt: skip
    assert two[0] == "<b>⚠ late</b>" and two[1:3] == ["<b>u2</b>", "<b>S2</b>"]
    assert two[4:8] == ["4.50", "0.50", "1.25", "1.00"]


def test_texts_are_escaped() -> None:
    page = CertificateTable(LINES)._repr_html_()
    assert "<b>&lt;b&gt;&quot;x&quot;&lt;/b&gt; &amp; y</b>" in page and "<late>" not in page


def test_the_summary_stands_above_it() -> None:
    assert told(LINES) == (
        "2 lines; 50% are within -10 % and +20 % of their slots' lengths. Starts are off by 0.25 s in the median and 0.50 s at "
        "most; the fastest line is spoken at 1.25 times the natural rate; 0% were stretched; 1 is flagged."
    )
    page = CertificateTable(LINES)._repr_html_()
    assert page.index("1 is flagged") < page.index("<table>")


def test_a_film_without_lines_says_so() -> None:
    assert "nobody speaks" in CertificateTable(())._repr_html_()
