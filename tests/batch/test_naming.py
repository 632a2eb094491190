"""Names of rows: out of the row alone, so that rows that come in later leave the others' names as they are."""

from __future__ import annotations

import pytest

from dubkit.batch.naming import ids, unfit


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        ({"video": "/x/a.mp4"}, "a"),
        ({"video": "/x/a.MP4"}, "a"),
        ({"video": "/x/a.avi"}, "a-avi"),
        ({"video": "s3://b/x/My talk.v2.mov"}, "My-talk.v2-mov"),
        ({"video": "/x/a.mp4", "target": "Portuguese"}, "a-pt"),
        ({"video": "/x/a", "target": "zh-TW"}, "a-zh-Hant"),
        ({"video": "/x/" + 90 * "a" + ".mp4"}, 64 * "a"),
        ({"video": "/x/a.mp4", "target": "pt", "id": "mine"}, "mine"),
        ({"video": "/x/a.mp4", "id": 7}, "7"),
    ],
)
def test_a_row_s_name(cells, name):
    assert ids([cells]) == [name]


def test_rows_that_come_later_leave_the_others_names_as_they_are():
    rows = [{"video": "/x/a.mp4"}, {"video": "/x/b.mp4", "target": "pt"}, {"video": "/y/a.mp4"}]
    more = [{"video": "/x/a.mp4", "target": "es"}, {"video": "/x/a.avi"}, {"video": "/z/a.mp4"}]
    before, after = ids(rows), ids([*rows, *more])
    assert after[:3] == before and len({*after}) == 6
    assert ids([more[1], *rows])[1:] == before
    # What tells two of one name apart does not depend on who else there is.
    assert before[2].startswith("a-") and ids([{"video": "/q/A.mp4"}, rows[2]])[1] == before[2]


def test_ids_that_were_given_and_the_batch_s_own_files_go_first():
    first, second, third = ids([{"video": "/a.mp4"}, {"video": "/b.mp4", "id": "A"}, {"video": "/Results.csv.mp4"}])
    assert first.startswith("a-") and second == "A" and third.startswith("Results.csv-")


def test_names_that_will_not_do():
    assert unfit("talk.v2_1-x") == ""
    assert "cannot name a folder" in unfit("a/b") and "cannot name a folder" in unfit("")
    assert "is the name of a file of the batch" in unfit("ledger.sqlite")
