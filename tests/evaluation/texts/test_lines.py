"""Lines and their ids."""

import pytest

from dubkit.errors import BadInput
from evaluation.texts import lines


def test_ids_are_numbers_unless_they_are_given():
    assert lines.identified(None, 3) == ("u001", "u002", "u003")
    assert lines.identified(["a", "b"], 2) == ("a", "b")


@pytest.mark.parametrize(
    ("ids", "texts", "told"),
    [
        (None, {"references": [], "hypotheses": []}, "no references and no hypotheses"),
        (None, {"references": ["a"], "hypotheses": []}, "1 references but 0 hypotheses"),
        (None, {"references": "a text", "hypotheses": ["a"]}, "references is one text"),
        (None, {"references": ["a", None]}, "line 2 of references is None"),
        (["u1"], {"references": ["a", "b"]}, "1 ids for 2 lines"),
        (["u1", "u1"], {"references": ["a", "b"]}, "more than once: u1"),
    ],
)
def test_what_does_not_belong_together_is_refused(ids, texts, told):
    with pytest.raises(BadInput, match=told):
        lines.validate(ids, **texts)
