"""Malformed and hostile files: each is refused at once, by a sentence that names the place, and nothing is run."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spindle as spd
from tests.problem_files import hostile
from tests.problem_files.hostile_formulas import FORMULAS

SECONDS = 1.0


def refusal(tmp_path, text, name="bad.toml"):
    """What is said of a file, once it is sure that it was said soon, in one line, with the file and a line."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    began = time.process_time()
    with pytest.raises(spd.ProblemError) as refused:
        spd.read_problem(path)
    assert time.process_time() - began < SECONDS
    said = str(refused.value)
    found = re.match(re.escape(str(path)) + r", line (\d+)(?:, column (\d+))?: ", said)
    assert found, f"no place is named: {said}"
    rest = said[found.end() :]
    assert "\n" not in rest
    assert "makes no sense" not in rest, f"refused by SymPy alone: {said}"
    return int(found[1]), int(found[2] or 0), rest


@pytest.mark.parametrize(("formula", "character", "words"), FORMULAS, ids=lambda v: str(v)[:30])
def test_formulas_that_mean_nothing_are_refused_at_their_character(tmp_path, formula, character, words):
    text = hostile.GOOD.replace("EXPRESSION", formula)
    line, column, said = refusal(tmp_path, text)
    assert line == 6
    assert re.search(words, said), said
    if character > 0:
        start = text.splitlines()[5].index("diff(u, x) + ") + len("diff(u, x) + ")
        assert column == start + character or (formula == "" and column > start)


@pytest.mark.parametrize(("text", "line", "words"), hostile.FILES, ids=lambda v: str(v)[:30])
def test_files_that_are_no_problem_are_refused(tmp_path, text, line, words):
    found, _, said = refusal(tmp_path, text)
    assert found == line
    assert re.search(words, said), said


@pytest.mark.parametrize(("line", "text", "words"), hostile.LINES, ids=lambda v: str(v)[:50])
def test_lines_that_fit_no_problem_are_refused(tmp_path, line, text, words):
    found, column, said = refusal(tmp_path, hostile.replaced(line, text), "good.toml")
    assert found == line
    assert column >= 1
    assert re.search(words, said), said


@pytest.mark.parametrize(("line", "text", "words"), hostile.SHAPES, ids=lambda v: str(v)[:50])
def test_shapes_that_make_no_domain_are_refused(tmp_path, line, text, words):
    found, _, said = refusal(tmp_path, hostile.reshaped(line, text), "good.toml")
    # What is missing on a line is missed where it is needed.
    assert found == line or text == "" or "t is not among" in said or "1 coordinates" in said
    assert re.search(words, said), said


def test_there_are_more_than_two_hundred_of_them():
    assert sum(map(len, (FORMULAS, hostile.FILES, hostile.LINES, hostile.SHAPES))) > 200


def test_the_good_files_are_good(tmp_path):
    for text in (hostile.GOOD.replace("EXPRESSION", "1"), hostile.SHAPED):
        (tmp_path / "good.toml").write_text(text)
        assert spd.read_problem(tmp_path / "good.toml").unknowns


@pytest.mark.parametrize("text", [hostile.LAUGHS, hostile.CHAIN, hostile.BACKWARD], ids=["laughs", "chain", "backward"])
def test_definitions_that_grow_without_bound_are_refused(tmp_path, text):
    _, _, said = refusal(tmp_path, text)
    assert re.search("of which 6,000 are the most|multiplied out|levels deep|needed for one another", said), said


def test_what_is_no_text_file_is_refused(tmp_path):
    (tmp_path / "bad.toml").write_bytes(b"name = 1\n\xff\xfe")
    with pytest.raises(spd.ProblemError, match=r"bad.toml, line 2: the file is no UTF-8 text"):
        spd.read_problem(tmp_path / "bad.toml")
    for path in (tmp_path, tmp_path / "none.toml", "/dev/zero"):
        with pytest.raises(spd.ProblemError, match="There is no problem file"):
            spd.read_problem(path)


def test_code_in_any_value_is_never_run(tmp_path):
    """A call that would leave a trace, in the place of every text of a file."""
    trace = tmp_path / "executed"
    code = f"__import__('pathlib').Path('{trace}').touch()"
    texts = re.findall(r'"([^"]*)"', hostile.GOOD)
    for number in range(len(texts)):
        parts = hostile.GOOD.split('"')
        parts[2 * number + 1] = code
        (tmp_path / "bad.toml").write_text('"'.join(parts))
        with pytest.raises(spd.ProblemError):
            spd.read_problem(tmp_path / "bad.toml")
    assert not trace.exists()


# ------------------------------------------------------------------------------------------------------ mutations

PIECES = ["(", ")", "[", "]", '"', "=", "^", "*", "/", "-", ",", "{", "}", "\n", "#", "0", "9", "x", "u", "diff(", "e9"]
PIECES += ["laplacian(", "exp(", " and ", "<", "^9^9", "dn(", "[[", "'", "\\", "\t", "é", "1/0", "normal", "piecewise("]


@st.composite
def mutated(draw):
    """A good file with a few characters replaced, left out or put in, or two stretches exchanged."""
    text = draw(st.sampled_from([hostile.GOOD.replace("EXPRESSION", "s"), hostile.SHAPED]))
    for _ in range(draw(st.integers(1, 4))):
        at, width = draw(st.integers(0, len(text))), draw(st.sampled_from([0, 1, 1, 3, 10]))
        text = text[:at] + draw(st.sampled_from(["", *PIECES])) + text[at + width :]
    return text


@settings(max_examples=200)
@given(mutated())
def test_a_damaged_file_is_a_problem_or_is_refused_at_a_line(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "mutated.toml"
    path.write_text(text, encoding="utf-8")
    began = time.process_time()
    try:
        assert isinstance(spd.read_problem(path), spd.Problem)
    except spd.ProblemError as refused:
        assert str(refused).startswith(f"{path}, line "), refused
        assert "\n" not in str(refused)
    assert time.process_time() - began < SECONDS
