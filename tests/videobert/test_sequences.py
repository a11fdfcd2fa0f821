"""Sequences hold what fits of texts and visual words, and say where each of them went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenization.vocabulary import Vocabulary
from videobert.pretraining.options import TRUNCATIONS
from videobert.sequences import NO_PART, Part, Row, SequenceLayout, evenly_spaced, shares
from workfolder.errors import InputError

VOCABULARY = Vocabulary(text_size=100, visual_size=50)


def layout(max_length: int = 20, truncation: str = "head") -> SequenceLayout:
    return SequenceLayout(VOCABULARY, 2, 3, 0, max_length, truncation)


def arranged(
    where: SequenceLayout, text: Sequence[int], visual: Sequence[int], *second: list[int]
) -> Row:
    """A text, at times a second one, then visual words."""
    return where.arrange(Part(text), *map(Part, second), Part(visual, seen=True))


@pytest.mark.parametrize(
    ("text", "visual", "second", "ids", "types"),
    [
        ([10, 11], [0, 7], [], [2, 10, 11, 100, 101, 108, 3], [0, 0, 0, 0, 1, 1, 1]),
        ([10, 11], [], [], [2, 10, 11, 3], [0, 0, 0, 0]),
        ([], [0, 7], [], [2, 101, 108, 3], [0, 1, 1, 1]),
        ([], [], [], [2, 3], [0, 0]),
        ([10], [0], [20, 21], [2, 10, 3, 20, 21, 100, 101, 3], [0, 0, 0, 0, 0, 0, 1, 1]),
        ([10], [], [20, 21], [2, 10, 3, 20, 21, 3], [0, 0, 0, 0, 0, 0]),
        ([], [0], [20], [2, 20, 100, 101, 3], [0, 0, 0, 1, 1]),
    ],
)
def test_the_order_of_a_sequence(
    text: list[int], visual: list[int], second: list[int], ids: list[int], types: list[int]
) -> None:
    row = arranged(layout(), text, visual, second)
    assert (row.ids.tolist(), row.types.tolist()) == (ids, types)


@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(8, 40),
    st.sampled_from(TRUNCATIONS),
)
def test_what_is_too_long_is_made_to_fit_and_what_fits_is_kept(
    first: int, visual: int, second: int, length: int, truncation: str
) -> None:
    row = arranged(layout(length, truncation), [5] * first, [1] * visual, [6] * second)
    assert len(row.ids) == len(row.types) <= length
    kept = [len(placed.kept) for placed in row.placed]
    text = first + second
    room = length - 2 - bool(first and second) - bool(text and visual)
    assert sum(kept) == min(room, text + visual)
    assert kept[0] + kept[1] >= min(text, room // 2) and kept[2] >= min(visual, room // 2)
    if kept[0] < first:  # the longer text is cut first
        assert kept[0] >= kept[1] or kept[1] == second
    if kept[1] < second:
        assert kept[1] >= kept[0] - 1


@given(
    st.lists(st.integers(5, 99), max_size=40),
    st.lists(st.integers(0, 49), max_size=40),
    st.lists(st.integers(5, 99), max_size=40),
    st.sampled_from(TRUNCATIONS),
)
def test_a_row_says_where_every_id_of_every_input_went(
    text: list[int], visual: list[int], second: list[int], truncation: str
) -> None:
    row = arranged(layout(24, truncation), text, visual, second)
    first_visual = VOCABULARY.first_visual
    inputs = [np.array(ids, dtype=int) for ids in (text, second)]
    inputs.append(np.array(visual, dtype=int) + first_visual)
    for number, (ids, placed) in enumerate(zip(inputs, row.placed, strict=True)):
        assert row.ids[placed.positions].tolist() == ids[placed.kept].tolist()
        assert (row.parts[placed.positions] == number).all()
    special = row.parts == NO_PART
    assert (~special).sum() == sum(len(placed.kept) for placed in row.placed)
    assert set(row.ids[special].tolist()) <= {2, 3, VOCABULARY.joiner}


@pytest.mark.parametrize(
    ("truncation", "kept"),
    [("head", range(8)), ("tail", range(12, 20)), ("head+tail", [0, 1, *range(14, 20)])],
)
def test_of_long_text_the_head_the_tail_or_both_stay(truncation: str, kept: list[int]) -> None:
    row = arranged(layout(10, truncation), range(10, 30), [])
    assert row.placed[0].kept.tolist() == [*kept]
    assert row.ids.tolist() == [2, *(10 + place for place in kept), 3]


@pytest.mark.parametrize("truncation", TRUNCATIONS)
def test_text_that_fits_is_whole_however_it_would_be_cut(truncation: str) -> None:
    row = arranged(layout(10, truncation), range(10, 18), [])
    assert row.ids.tolist() == [2, *range(10, 18), 3]


def test_of_many_clips_the_row_names_those_that_are_left() -> None:
    row = arranged(layout(10), [5, 6, 7, 8, 9], range(10))  # 7 ids have room: 4 words, 3 clips
    text, visual = row.placed
    assert text.kept.tolist() == [0, 1, 2, 3] and text.positions.tolist() == [1, 2, 3, 4]
    assert visual.kept.tolist() == [0, 3, 6] and visual.positions.tolist() == [6, 7, 8]


def test_indices_are_evenly_spaced_and_in_order() -> None:
    assert evenly_spaced(10, 5).tolist() == [0, 2, 4, 6, 8]
    assert evenly_spaced(3, 5).tolist() == [0, 1, 2]


def test_padding_is_masked() -> None:
    rows = [arranged(layout(), [10], []), arranged(layout(), [10, 11, 12], [4])]
    ids, types, mask = layout().pad_together(rows)
    assert ids.shape == types.shape == mask.shape == (2, 7)
    assert mask.sum(axis=1).tolist() == [3, 7] and (ids[mask == 0] == 0).all()


def test_parts_stand_in_their_order_with_a_sign_between_them() -> None:
    clips = Part([0, 7], seen=True)
    row = layout().arrange(clips, Part([10]), Part([]), clips, clips)
    assert row.ids.tolist() == [2, 101, 108, 100, 10, 100, 101, 108, 3, 101, 108, 3]
    assert row.types.tolist() == [0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1]
    assert row.parts.tolist() == [-1, 0, 0, -1, 1, -1, 3, 3, -1, 4, 4, -1]
    assert layout().arrange(clips, Part([10])).types.tolist() == [0, 1, 1, 0, 0, 0]
    assert layout().arrange().ids.tolist() == [2, 3]


def test_units_follow_their_ids() -> None:
    text = Part([10, 11, 12, 13], units=np.array([0, 0, 1, 2]))
    clips = Part(range(12), seen=True, units=np.arange(12) // 3)
    row = layout(12, "tail").arrange(text, clips)
    assert row.units.tolist() == [-1, 0, 0, 1, 2, -1, 0, 0, 1, 2, 3, -1]


def test_a_question_has_a_limit_of_its_own() -> None:
    asked, told = range(10, 40), range(40, 50)
    row = layout(20).arrange(Part(asked, most=4), Part(told), Part([1, 2], seen=True))
    assert row.ids.tolist() == [2, 10, 11, 12, 13, 3, *told, 100, 102, 103, 3]
    first_four = layout(20).arrange(Part(asked[:4]), Part(told), Part([1, 2], seen=True))
    assert row.ids.tolist() == first_four.ids.tolist()


@given(st.lists(st.integers(0, 30), min_size=1, max_size=4), st.integers(0, 60))
def test_room_is_shared_evenly_and_used_up(lengths: list[int], room: int) -> None:
    kept = shares(lengths, room)
    assert sum(kept) == min(room, sum(lengths))
    assert all(mine <= length for mine, length in zip(kept, lengths, strict=True))
    cut = [mine for mine, length in zip(kept, lengths, strict=True) if mine < length]
    assert all(other <= mine + 1 for mine in cut for other in kept)
    assert cut == sorted(cut, reverse=True)


@given(st.integers(0, 6), st.integers(0, 80), st.integers(1, 12), st.booleans())
def test_windows_show_a_whole_document_to_a_question(
    asked: int, length: int, stride: int, seen: bool
) -> None:
    where, question = layout(20), Part([5] * asked, most=4)
    ids = np.arange(length) % 50 if seen else 10 + np.arange(length)
    document = Part(ids, seen=seen, units=np.arange(length) // 2)
    rows = where.windows(question, document, stride)
    room = 18 - (min(asked, 4) + 1 if asked else 0)
    assert all(len(row.placed[0].kept) == min(asked, 4) for row in rows)
    starts = [int(row.placed[1].kept[0]) if length else 0 for row in rows]
    assert starts == [stride * n for n in range(len(rows))]
    assert len(rows) == 1 or starts[-2] + room < length  # the last one is needed
    met = {int(place) for row in rows for place in row.placed[1].kept}
    assert met == set(range(length))
    for row in rows:
        kept, positions = row.placed[1].kept, row.placed[1].positions
        assert len(row.ids) <= 20 and (np.diff(kept) == 1).all()
        assert (row.ids[positions] == (101 + ids[kept] if seen else ids[kept])).all()
        assert (row.units[positions] == kept // 2).all()


def test_a_document_shorter_than_a_window_has_one_and_it_is_the_plain_row() -> None:
    question, document = Part([5, 6]), Part([1, 2, 3], seen=True)
    (row,) = layout(20).windows(question, document, 4)
    assert row.ids.tolist() == layout(20).arrange(question, document).ids.tolist()


@pytest.mark.parametrize("stride", [0, 16])
def test_a_stride_that_leaves_ids_out_is_refused(stride: int) -> None:
    with pytest.raises(InputError, match=f"a stride of {stride} will not do .* windows hold 15"):
        layout(20).windows(Part([5, 6]), Part(range(10, 60)), stride)
