"""Every value of a TOML text is found where it stands, character by character."""

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spindle.problem_files.places import characters, line_and_column, places
from spindle.problem_files.source import open_source

TEXT = r'''
# a comment with "quotes" and = signs
title = "a \"quoted\" \u03bd\t\\ # no comment"   # a comment
'odd key' . "and \u0078" = 'literal \n'
dotted.key.path = [1, 2.5, "x"  , [ 'y' ], { z = "w", "v.v" = [ ] } ,
    # inside a list
    "last", ]
empty = ""
long = """
first line \
      joined
 "two quotes"" inside""""
raw = \'\'\'it\'s \ raw\'\'\'
date = 1979-05-27T07:32:00Z # after a date
[table]
a = { b.c = 1, d = { e = "deep" } }
[table.sub]
k = true
[[many]]
name = "one"
[[many.inner]]
n = "p"
[[many.inner]]
n = "q"
[[many]]
name = "two"
[many.part]
n = "r"
'''.replace("\\'", "'")


def leaves(value, keys=()):
    """Path and value of everything that is neither a table nor a list."""
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*keys, key))
    else:
        yield keys, value


def check(text):
    data, found = tomllib.loads(text), places(text)
    for keys, value in leaves(data):
        assert keys in found, keys
        at = found[keys].value
        if isinstance(value, str):
            inside, end = characters(text, at)
            assert len(inside) == len(value)
            assert text[end - 1] in "\"'"
            assert all(text[k] == letter or text[k] == "\\" for k, letter in zip(inside, value, strict=True)), keys
        elif isinstance(value, bool):
            assert text[at:].startswith(str(value).lower())
        elif isinstance(value, (int, float)):
            assert text[at:].startswith(str(value))


def test_every_value_is_found():
    check(TEXT)
    found = places(TEXT)
    assert TEXT[found["many", 0, "inner", 1, "n"].value :].startswith('"q"')
    assert TEXT[found["many", 1, "part", "n"].value :].startswith('"r"')
    assert TEXT[found["table", "a", "b", "c"].key :].startswith("b.c = 1")
    assert TEXT[found["odd key", "and x"].value :].startswith("'literal")


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(0, 999), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


def toml(value) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[ " + ", ".join(map(toml, value)) + " ]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value).lower()


@settings(max_examples=100)
@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_every_value_of_any_file_is_found(data):
    text = "".join(f"{toml(key)} = {toml(value)}\n" for key, value in data.items())
    assert tomllib.loads(text) == data
    check(text)


def test_lines_and_columns_count_from_one():
    assert line_and_column("ab\ncd", 0) == (1, 1)
    assert line_and_column("ab\ncd", 3) == (2, 1)
    assert line_and_column("ab\ncd", 5) == (2, 3)


@pytest.mark.parametrize(
    ("text", "character", "place"),
    [
        ('f = "abc"', 2, "line 1, column 8"),
        ('f = """\nab\ncd"""', 3, "line 3, column 1"),
        ('f = "\\u0061bc"', 1, "line 1, column 12"),
        ('\r\n\r\nf = "abc"', 0, "line 3, column 6"),
        ('f = ""', 0, "line 1, column 6"),
        ("f = 'abc'", 99, "line 1, column 9"),
    ],
)
def test_characters_of_texts_have_places_in_the_file(tmp_path, text, character, place):
    (tmp_path / "a.toml").write_bytes(text.encode())
    error = open_source(tmp_path / "a.toml").entry("f").error("so.", character)
    assert str(error) == f"{tmp_path / 'a.toml'}, {place}: so."
