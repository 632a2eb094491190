import pytest

from dubkit.spacing import needs_space, spaced


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["He", "said", "no."], "He said no."),
        (["今日", "は", "天気", "が", "いい。"], "今日は天気がいい。"),
        (["我们", "用", "ChatGPT", "，", "很", "好。"], "我们用ChatGPT，很好。"),
        (["在", "2024", "年"], "在2024年"),
        (["New", "York", "は"], "New Yorkは"),
        (["เธอ", "ไป", "ไหน"], "เธอไปไหน"),
        (["ມື້", "ນີ້"], "ມື້ນີ້"),
        (["မင်္ဂလာ", "ပါ။"], "မင်္ဂလာပါ။"),
        (["喺", "度", "食", "飯"], "喺度食飯"),
        (["오늘", "날씨가", "좋다."], "오늘 날씨가 좋다."),
        (["金", "대통령은", "웃었다."], "金 대통령은 웃었다."),
        (["आज", "मौसम", "अच्छा", "है।"], "आज मौसम अच्छा है।"),
        (["𠮷野", "家"], "𠮷野家"),
        ([], ""),
        (["", "a"], "a"),
    ],
)
def test_words_are_joined_as_their_script_is_written(words: list[str], text: str) -> None:
    assert spaced(words) == text


def test_a_space_belongs_between_words_of_spaced_scripts_alone() -> None:
    assert needs_space("a", "b")
    assert not needs_space("好", "b")
    assert not needs_space("a", "好")
