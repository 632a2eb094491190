from dubkit.progress import Event, Report


def test_everybody_hears_everything_in_order() -> None:
    first: list[Event] = []
    second: list[Event] = []
    report = Report("translate", (first.append, second.append))
    report.tell("started")
    report(1, 3, "sentences")
    report.warn("Careful.")
    report.tell("done", seconds=1.5)
    assert first == second
    assert first == [
        Event("translate", "started"),
        Event("translate", "progress", 1, 3, "sentences"),
        Event("translate", "warning", note="Careful."),
        Event("translate", "done", seconds=1.5),
    ]


def test_warnings_are_kept_for_the_record_even_when_nobody_listens() -> None:
    report = Report("segment")
    report.warn("one")
    report.warn("two")
    assert report.warnings == ["one", "two"]


def test_reports_do_not_share_their_warnings() -> None:
    one, other = Report("a"), Report("b")
    one.warn("mine")
    assert other.warnings == []
