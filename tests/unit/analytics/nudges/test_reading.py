"""The reading grade against sums made by hand."""

from __future__ import annotations

import pytest

from analytics.nudges import reading


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("the", 1), ("cat", 1), ("used", 1), ("heated", 2), ("homes", 1), ("houses", 2), ("degree", 2), ("please", 1),
        ("kettle", 2), ("people", 2), ("while", 1), ("wished", 1), ("boxes", 2), ("similar", 3), ("average", 3),
        ("electricity", 5), ("don't", 1), ("kWh", 5), ("40%", 4), ("£2.10", 4), ("90p", 3), ("1,200", 4), ("7", 1),
    ],
)  # fmt: skip
def test_syllables_of_words_that_are_counted_by_hand(word: str, number: int) -> None:
    assert reading.syllables(word) == number


def test_six_words_of_one_syllable() -> None:
    # 0.39 * 6 + 11.8 * 1 - 15.59
    assert reading.grade("The cat sat on the mat.") == pytest.approx(-1.45)


def test_thirteen_words_of_24_syllables() -> None:
    text = "The Australian platypus is seemingly a hybrid of a mammal and reptilian creature."
    assert reading.grade(text) == pytest.approx(0.39 * 13 + 11.8 * 24 / 13 - 15.59)


def test_sentences_end_with_their_line_and_a_number_does_not_end_one() -> None:
    text = "One degree less\n\nYou used 5.2 kWh. Well done! It is 3: that is all."
    assert [len(words) for words in reading.sentences(text)] == [3, 4, 2, 3, 3]


def test_two_texts_together_lie_between_them() -> None:
    easy, hard = (
        "We can help. Call us.",
        "Consumption comparison methodologies necessitate considerable interpretation.",
    )
    assert reading.grade(easy) < reading.grade(f"{easy} {hard}") < reading.grade(hard)


def test_a_text_without_words_has_no_grade() -> None:
    with pytest.raises(ValueError, match="without words"):
        reading.grade(" ... ")
