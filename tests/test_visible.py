"""What steers a terminal or turns the direction of reading is shown, on the terminal and in the report."""

import contextlib
import sys

import pytest

from spindle.cli import main as cli
from spindle.cli import output
from spindle.report.html import render
from spindle.visible import LONGEST, visible

ATTACKS = {
    "clear": ("\x1b[2J", r"\x1b[2J"),
    "title": ("\x1b]0;PWN\x07", r"\x1b]0;PWN\x07"),
    "one byte": ("\x9b31m", r"\x9b31m"),
    "back": ("a\b\rb", r"a\x08\x0db"),
    "end": ("a\0\x7f", r"a\x00\x7f"),
    "override": ("a\u202eb", r"a\u202eb"),
    "isolate": ("\u2066\u2069", r"\u2066\u2069"),
    "zero width": ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
    "separator": ("a\u2028b", r"a\u2028b"),
    "tag": ("\U000e0041", r"\U000e0041"),
    "half": ("\ud800", r"\ud800"),
}


@pytest.mark.parametrize("kind", ATTACKS)
def test_hidden_characters_are_written_out(kind):
    text, shown = ATTACKS[kind]
    assert visible(text) == visible(text, lines=True) == shown
    assert visible(shown) == shown


def test_letters_of_all_scripts_and_lines_stay_what_they_are():
    assert visible("ä ∂u/∂t = 1, שלום, 温度") == "ä ∂u/∂t = 1, שלום, 温度"
    assert (visible("a\nb"), visible("a\nb\t", lines=True)) == (r"a\x0ab", "a\nb\t")
    assert visible("x" * 5000, most=10) == "x" * 10 + " ..."


FILE = 'unknowns = "u"\ncoordinates = { x = [0, 1], y = [0, 1] }\nequations = ["laplacian(u) = 1"]\n'
BAD = {
    "title": FILE + 'conditions = [{ dirichlet = "u = 0" }]\ntitle = "TEXT"\n',
    "key": FILE + '"TEXT" = 1\n',
    "formula": FILE.replace("laplacian(u)", "laplacian(TEXT)"),
    "name": FILE + 'name = "TEXT"\n',
    "line": FILE.replace('"u"', '"TEXT\\nu"'),
    "unknown": FILE.replace('"u"', '"TEXT"'),
    "long": FILE + '"' + "TEXT" * 3000 + '" = 1\n',
}


@pytest.mark.parametrize("place", BAD)
def test_the_command_line_sends_no_control_characters(tmp_path, monkeypatch, capsys, place):
    (tmp_path / "p\x1b[2J.toml").write_text(BAD[place].replace("TEXT", r"\u001b[31m\u202e\u0007"), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["spindle", "check", str(tmp_path / "p\x1b[2J.toml")])
    # What a problem that can be read is told, without planning it.
    monkeypatch.setattr(cli, "check_problem", str)
    monkeypatch.setattr(cli, "check_in_words", lambda found: found)
    with contextlib.suppress(SystemExit):
        cli.main()
    said = "".join(capsys.readouterr())
    assert said.replace("\n", "").isprintable()
    assert len(said) < LONGEST + 200
    assert r"\x1b" in said


def test_a_report_shows_hidden_characters_and_escapes_markup(tmp_path):
    page = tmp_path / "page.html"
    content = {"title": "\x1b[2J\u202e<script>", "subtitle": "two\nlines", "runs": [], "differences": [], "results": []}
    content |= {"cost": [], "curves": [], "same": False, "alike": False, "fields": {}, "on_lines": False}
    render("comparison.html", content, page)
    text = page.read_text(encoding="utf-8")
    assert r"<title>\x1b[2J\u202e&lt;script&gt;</title>" in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "two\nlines" in text


def test_one_sentence_is_cut(capsys):
    output.say("x" * 10_000)
    assert len(capsys.readouterr().err) < LONGEST + 10
