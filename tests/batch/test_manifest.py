"""Manifests of every kind: what rows they give, and what is said of those that cannot be read."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from dubkit.batch.manifest import read, shown
from dubkit.batch.rows import Defaults, rows
from dubkit.errors import BadInput


def written(path: Path, text: str, encoding: str = "utf-8") -> str:
    path.write_text(text, encoding=encoding)
    return str(path)


def test_csv_rows_have_their_lines_and_no_empty_cells(tmp_path):
    text = 'video,target,note\na.mp4, pt ,"two\nlines"\n\n/films/b.mp4,,x\ns3://bucket/c.mp4,,\n'
    found = read(written(tmp_path / "m.csv", text))
    assert found.unit == "line" and found.problems == ()
    assert found.rows == (
        (2, {"video": str(tmp_path / "a.mp4"), "target": "pt", "note": "two\nlines"}),
        (5, {"video": "/films/b.mp4", "note": "x"}),
        (6, {"video": "s3://bucket/c.mp4"}),
    )


@pytest.mark.parametrize("separator", [";", "\t"])
def test_csv_from_a_spreadsheet(tmp_path, separator):
    text = f"video{separator}target\r\nção.mp4{separator}pt\r\n"
    found = read(written(tmp_path / "m.csv", text, "utf-8-sig"))
    assert found.rows == ((2, {"video": str(tmp_path / "ção.mp4"), "target": "pt"}),)


@pytest.mark.parametrize("name", ["Video", "VIDEO ", " video"])
def test_capitals_and_blanks_in_column_names_do_not_matter(tmp_path, name):
    place = written(tmp_path / "m.csv", f"{name};Target;Strength\r\na.mp4;pt;0,5\r\n", "utf-8-sig")
    expected = {"video": str(tmp_path / "a.mp4"), "target": "pt", "Strength": "0,5"}
    assert read(place).rows == ((2, expected),)
    (tmp_path / "m.jsonl").write_text(json.dumps({name: "a.mp4"}))
    assert read(str(tmp_path / "m.jsonl")).rows == ((1, {"video": str(tmp_path / "a.mp4")}),)
    twice = read(written(tmp_path / "t.csv", f"{name},video\na.mp4,b.mp4\n"))
    assert twice.problems == ((1, "the column 'video' is there twice"),)


def test_csv_that_is_not_in_order_is_told_by_line(tmp_path):
    found = read(written(tmp_path / "m.csv", "video,target,target,\na.mp4,pt\nb.mp4,pt,x,y,z\n"))
    assert [number for number, _ in found.rows] == [2]
    assert found.problems == (
        (1, "the column 'target' is there twice"),
        (1, "a column has no name"),
        (3, "it has 5 cells, and the header 4; quote what has commas"),
    )


def test_json_lines_keep_their_types(tmp_path):
    text = '{"video": "a.mp4", "diarize.n_speakers": 2, "source": null}\n\n[1]\n{"video"\n'
    found = read(written(tmp_path / "m.jsonl", text))
    assert found.rows == ((1, {"video": str(tmp_path / "a.mp4"), "diarize.n_speakers": 2}),)
    assert [number for number, _ in found.problems] == [3, 4]
    assert "it is no JSON object" in found.problems[0][1] and "it is no JSON (" in found.problems[1][1]


def test_json_texts_keep_what_else_ends_lines(tmp_path):
    text = '{"video": "a.mp4", "title": "one\u2028two\x85three"}\r\n{"video": "b.mp4"}\n'
    found = read(written(tmp_path / "m.jsonl", text, "utf-8-sig"))
    assert found.problems == () and [cells["video"] for _, cells in found.rows] == [
        str(tmp_path / "a.mp4"),
        str(tmp_path / "b.mp4"),
    ]
    assert found.rows[0][1]["title"] == "one\u2028two\x85three"


def test_the_home_folder_is_known_and_another_s_that_is_not_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    written(tmp_path / "m.csv", "video\n~/a.mp4\n~no-such-user/b.mp4\n")
    found = read("~/m.csv")
    assert found.place == str(tmp_path / "m.csv") and found.rows == ((2, {"video": str(tmp_path / "a.mp4")}),)
    assert found.problems == (
        (3, "there is no such home folder as that of '~no-such-user/b.mp4'; give the whole path"),
    )
    with pytest.raises(BadInput, match=r"'~no-such-user/m\.csv' is not there"):
        read("~no-such-user/m.csv")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("https://u:secret@host/m.csv?sig=secret", "https://host/m.csv"),
        ("s3://key:secret@bucket/m.csv", "s3://bucket/m.csv"),
    ],
)
def test_addresses_that_cannot_be_read_are_told_without_their_secrets(place, said):
    with pytest.raises(BadInput, match=rf"The manifest '{said}' cannot be read: give a path, or s3://") as told:
        read(place)
    assert "secret" not in str(told.value)
    assert shown("/films/a?b@c.mp4") == "/films/a?b@c.mp4" and shown("s3://b/me@home.mp4") == "s3://b/me@home.mp4"


def test_parquet_keeps_its_types(tmp_path):
    table = pd.DataFrame({"video": ["a.mp4", "b.mp4"], "diarize.n_speakers": pd.array([2, None], dtype="Int64")})
    table["speed"] = [float("nan"), 1.5]
    table.to_parquet(tmp_path / "m.parquet")
    found = read(str(tmp_path / "m.parquet"))
    assert found.unit == "row"
    assert found.rows == (
        (1, {"video": str(tmp_path / "a.mp4"), "diarize.n_speakers": 2}),
        (2, {"video": str(tmp_path / "b.mp4"), "speed": 1.5}),
    )


def test_a_folder_gives_its_films_by_name(tmp_path):
    for name in ("b.MP4", "a.mkv", "notes.txt", "a.srt"):
        (tmp_path / name).touch()
    (tmp_path / "c.mp4").mkdir()
    found = read(str(tmp_path))
    assert found.rows == ((1, {"video": str(tmp_path / "a.mkv")}), (2, {"video": str(tmp_path / "b.MP4")}))


def test_a_film_s_name_that_is_not_utf_8_is_read_and_told_with_the_rows(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.mp4")).touch()
    found = read(str(tmp_path))
    with pytest.raises(BadInput, match=r"- file 1: video is '.*caf\\udce9\.mp4', which is no plain value"):
        rows(found, {"video": ""}, Defaults())


def test_hidden_files_and_dubs_made_here_are_left_out_and_told(film, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    options = ["-metadata", "comment=Speech machine-dubbed by dubkit."]
    shutil.copy(film("dub.mp4", options=options), folder / "a.pt.mp4")
    with pytest.raises(BadInput, match=r"names no films\. .* Films in the folder that dubkit made, left out: 1\."):
        read(str(folder))
    for name in ("a.mp4", "._a.mp4", ".hidden.mkv", ".DS_Store"):
        (folder / name).touch()
    found = read(str(folder))
    assert found.rows == ((1, {"video": str(folder / "a.mp4")}),)
    assert found.notes == (
        "Hidden files in the folder, left out: 2.",
        "Films in the folder that dubkit made, left out: 1.",
    )


def test_a_bucket_gives_its_films_and_its_manifests(bucket, tmp_path):
    for name, content in {
        "in/b.mp4": b"b",
        "in/a.mov": b"a",
        "in/._a.mov": b"of a Mac",
        "in/sub/c.mp4": b"c",
        "in/list.csv": b"video,target\nb.mp4,pt\n",
    }.items():
        bucket.put_object(Bucket="films", Key=name, Body=content)
    pd.DataFrame({"video": ["b.mp4"]}).to_parquet(tmp_path / "m.parquet")
    bucket.upload_file(str(tmp_path / "m.parquet"), "films", "in/m.parquet")
    assert [cells["video"] for _, cells in read("s3://films/in").rows] == ["s3://films/in/a.mov", "s3://films/in/b.mp4"]
    assert read("s3://films/in/list.csv").rows == ((2, {"video": "s3://films/in/b.mp4", "target": "pt"}),)
    assert read("s3://films/in/m.parquet", tmp_path / "store").rows == ((1, {"video": "s3://films/in/b.mp4"}),)
    with pytest.raises(BadInput, match=r"'s3://films/in/none\.csv' cannot be read"):
        read("s3://films/in/none.csv")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.csv", None, r"none\.csv' is not there"),
        (
            "films.xlsx",
            "x",
            r"none of these: give a file that ends in \.csv, \.jsonl, \.ndjson, \.parquet, or a folder",
        ),
        ("empty.csv", "video,target\n", "names no films. Each row needs a video"),
        ("not.parquet", "text", "cannot be read as Parquet"),
    ],
)
def test_what_is_no_manifest_is_told(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(BadInput, match=said):
        read(str(tmp_path / name))


def test_text_that_is_not_utf_8_is_told(tmp_path):
    (tmp_path / "m.csv").write_bytes("video\nção.mp4\n".encode("latin-1"))
    with pytest.raises(BadInput, match="is not UTF-8 text"):
        read(str(tmp_path / "m.csv"))


def test_a_folder_without_films_is_told(tmp_path):
    with pytest.raises(BadInput, match=r"names no films. Films in a folder are files that end in \.avi"):
        read(str(tmp_path))
