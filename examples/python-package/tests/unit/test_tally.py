import pytest
from wordtally import tally


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("one", [("one", 1)]),
        ("One one ONE", [("one", 3)]),
        ("don't, don't!", [("don't", 2)]),
    ],
)
def test_counts(text, expected):
    assert tally(text) == expected


def test_the_most_frequent_word_comes_first_then_the_alphabet():
    assert [word for word, _ in tally("c b a b")] == ["b", "a", "c"]
