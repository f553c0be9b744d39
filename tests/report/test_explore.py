"""The page of a family: its pictures are the members, its sliders move them, and only this machine sees it."""

import concurrent.futures
import contextlib

import numpy as np
import pytest
from sympy import Eq, cos, sin

import spindle as spd
from spindle.report.explore.queries import Answer, Explorer, Slider, facts

pytest.importorskip("bokeh")

from bokeh.document import Document

from spindle.report.explore.page import facts_html, fill, image_data, line_data
from tests.families import convection
from tests.solutions import untrained

t, x, y = spd.coordinates("t x y")


def on_a_line():
    """One coordinate, and a reference that is tabulated for two members."""
    u, k, m = spd.unknown("u", x), spd.parameter("k", range=(1, 2)), spd.parameter("m", range=(0, 1))
    nodes, members = np.linspace(0, 1, 9), [{"k": 1.25, "m": 0.5}, {"k": 1.5123, "m": 0.25}]
    tables = [spd.GridReference({"x": nodes}, np.cos(own["k"] * nodes) + own["m"]) for own in members]
    return spd.Problem(
        domain=spd.Interval(x, 0, 1),
        equations=[Eq(u.diff(x, 2), -(k**2) * (u - m))],
        conditions=[spd.Dirichlet(u, 1 + m, on=Eq(x, 0))],
        reference={u: spd.FamilyReference(members, tables)},
        name="line",
    )


def in_the_plane():
    """Three coordinates and two unknowns."""
    u, v, nu = spd.unknown("u", t, x, y), spd.unknown("v", t, x, y), spd.parameter("nu", range=(0.5, 1))
    return spd.Problem(
        domain=spd.Box({t: (0, 2), x: (0, 1), y: (0, 3)}),
        equations=[Eq(u.diff(t), nu * spd.laplacian(u)), Eq(v.diff(t), u)],
        reference={u: cos(x) * nu, v: sin(y) + t},
        name="plane",
    )


def written(explorer):
    """The document of a page, and a function that lets the time pass which its callbacks wait for."""
    document = Document()
    fill(document, explorer)

    def pass_time():
        waiting = document.session_callbacks
        for callback in waiting:
            if callback in document.session_callbacks:  # one may take another back
                callback.callback()
        return len(waiting)

    return document, pass_time


def widget(document, title):
    (found,) = [m for m in document.models if str(getattr(m, "title", "")).startswith(title)]
    return found


def source(document, column):
    (found,) = [m for m in document.models if column in getattr(m, "column_names", [])]
    return found


# ------------------------------------------------------------------------------------------------- what is shown


def test_the_picture_is_the_member(explorer):
    member, (times, places) = explorer.solution(beta=1.3), explorer.nodes
    answer = explorer.ask("u", {"beta": 1.3})
    assert explorer.axes == ("t", "x"), "time is horizontal"
    np.testing.assert_array_equal(answer.values, member.grid(t=times, x=places).T)
    assert (answer.estimate, answer.residual) == (member.estimate, member.residual)
    assert explorer.error({"beta": 1.3}) == member.error()
    assert answer.query > 0 < answer.drawn
    (image,) = image_data(explorer, answer)["image"]
    np.testing.assert_allclose(image, answer.values, rtol=1e-6, atol=1e-6)


def test_lines_are_the_member_at_some_times(explorer):
    member, answer = explorer.solution(beta=1.7), explorer.ask("u", {"beta": 1.7})
    lines = line_data(explorer, answer)
    assert list(explorer.times) == ["t = 0", "t = 0.25", "t = 0.5", "t = 0.75", "t = 1"]
    for k, time_ in enumerate((0, 0.25, 0.5, 0.75, 1)):
        np.testing.assert_allclose(lines[f"line{k}"], member(t=time_, x=lines["nodes"]), rtol=1e-12, atol=1e-12)


def test_one_scale_fits_the_whole_family(explorer):
    low, high = explorer.limits["u"]
    for beta in (1, 1.5, 2):
        values = explorer.ask("u", {"beta": beta}).values
        assert low - 1e-12 <= values.min() < values.max() <= high + 1e-12


def test_a_family_by_another_method_has_pictures_but_no_estimates():
    solution = untrained(convection(), method=spd.SPINN(width=8, rank=2, points=8, steps=2, newton_steps=0))
    explorer = Explorer(solution)
    answer = explorer.ask("u", {"beta": 1.25})
    times, places = explorer.nodes
    np.testing.assert_array_equal(answer.values, solution.grid(t=times, x=places, beta=[1.25])[..., 0].T)
    assert answer.estimate is None
    told = facts(answer, explorer.error({"beta": 1.25}))
    assert set(told) == {"error against reference", "picture of 9,801 values"}
    nodes = np.linspace(0, 1, 101), np.linspace(0, 2 * np.pi, 101)
    exact = 1 + np.sin(nodes[1] - 1.25 * nodes[0][:, None])
    gap = solution.grid(t=nodes[0], x=nodes[1], beta=[1.25])[..., 0] - exact
    assert explorer.error({"beta": 1.25}) == pytest.approx(np.linalg.norm(gap) / np.linalg.norm(exact))


def test_one_coordinate_is_a_line_and_members_with_a_table_have_an_error():
    explorer = Explorer(untrained(on_a_line()))
    assert [s.name for s in explorer.sliders] == ["k", "m"]
    answer = explorer.ask("u", {"k": 1.25, "m": 0.5})
    nodes = np.linspace(0, 1, 9)
    np.testing.assert_allclose(answer.values[::50], explorer.solution(x=nodes, k=1.25, m=0.5), rtol=1e-12, atol=1e-12)
    wanted = np.cos(1.25 * nodes) + 0.5
    gap = explorer.solution(x=nodes, k=1.25, m=0.5) - wanted
    assert explorer.error({"k": 1.25, "m": 0.5}) == pytest.approx(np.linalg.norm(gap) / np.linalg.norm(wanted))
    assert explorer.error({"k": 1.3, "m": 0.5}) is None
    assert facts(answer, None)["error against reference"] == "no reference"


def test_of_three_coordinates_time_is_a_slider():
    explorer = Explorer(untrained(in_the_plane()))
    assert explorer.axes == ("x", "y")
    assert [(s.name, s.low, s.high) for s in explorer.sliders] == [("nu", 0.5, 1), ("t", 0, 2)]
    assert not explorer.lined
    chosen, v = {"nu": 0.75, "t": 1.5}, explorer.unknowns["v"]
    values = explorer.ask("v", chosen).values
    assert values.shape == (81, 121)
    assert values[20, 90] == pytest.approx(float(explorer.solution(v, t=1.5, x=0.75, y=0.75, nu=0.75)))
    assert explorer.error(chosen) > 0


@pytest.mark.parametrize(
    ("ends", "step", "start"),
    [((5, 8), 0.02, 6.5), ((0, 2), 0.02, 1), ((0, 2 * np.pi), 0.05, 3.15), ((1e-3, 2e-3), 1e-5, 0.0015)],
)
def test_steps_of_a_slider_are_round(ends, step, start):
    slider = Slider("p", *ends)
    assert (slider.step, slider.start) == (step, pytest.approx(start, rel=1e-12))


def test_values_past_the_last_step_are_those_of_the_end(explorer):
    np.testing.assert_array_equal(explorer.ask("u", {"beta": 2.004}).values, explorer.ask("u", {"beta": 2}).values)


def test_facts_in_words():
    told = facts(Answer(np.zeros((2, 3)), 1.23e-4, 0.0456, 1.64, 28.4), 3e-4)
    assert told == {
        "estimated relative error": "1.2e-04",
        "residual": "4.6e-02",
        "error against reference": "3.0e-04",
        "query": "1.6 ms",
        "picture of 6 values": "28 ms",
    }
    assert facts(Answer(np.zeros(1), 1.0, 1.0, 1.0, 1.0), None, measured=False)["error against reference"] == "…"
    assert "<script>" not in facts_html({"<script>": "<script>"})


def test_answers_to_several_threads_are_those_to_one(explorer):
    betas = np.linspace(1, 2, 12)
    alone = [explorer.ask("u", {"beta": beta}).values for beta in betas]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda beta: explorer.ask("u", {"beta": beta}).values, betas))
    np.testing.assert_array_equal(alone, together)


# ------------------------------------------------------------------------------------------------------ the page


def test_moving_a_slider_draws_another_member(explorer):
    document, pass_time = written(explorer)
    slider, told = widget(document, "beta (1 to 2)"), document.get_model_by_name("facts")
    before = told.text
    slider.value = 1.22
    assert pass_time()
    answer = explorer.ask("u", {"beta": 1.22})
    np.testing.assert_array_equal(source(document, "image").data["image"], image_data(explorer, answer)["image"])
    np.testing.assert_array_equal(source(document, "line3").data["line3"], answer.values[:, 90])
    assert f"{answer.estimate:.1e}" in told.text != before
    assert "…" in told.text
    assert pass_time()
    assert f"{explorer.error({'beta': 1.22}):.1e}" in told.text
    assert pass_time() == 0


def test_movements_in_the_meantime_are_drawn_once(explorer, monkeypatch):
    document, pass_time = written(explorer)
    pass_time()
    asked = []
    monkeypatch.setattr(explorer, "ask", lambda *a, ask=explorer.ask: asked.append(a) or ask(*a))
    for value in (1.1, 1.2, 1.3):
        widget(document, "beta").value = value
    pass_time()
    assert asked == [("u", {"beta": 1.3})]


def test_a_dropdown_chooses_the_unknown():
    explorer = Explorer(untrained(in_the_plane()))
    document, pass_time = written(explorer)
    assert [root.name for root in document.roots] == ["controls", "facts", "picture"]
    widget(document, "t (0 to 2)").value = 0.5
    widget(document, "unknown").value = "v"
    pass_time()
    wanted = explorer.ask("v", {"nu": 0.75, "t": 0.5}).values
    np.testing.assert_allclose(source(document, "image").data["image"][0], wanted, rtol=1e-6)
    (mapper,) = {m for m in document.models if type(m).__name__ == "LinearColorMapper"}
    assert (mapper.low, mapper.high) == explorer.limits["v"]


def test_members_with_a_table_can_be_chosen():
    document, pass_time = written(Explorer(untrained(on_a_line())))
    chooser = widget(document, "go to a member")
    assert chooser.options[1:] == ["k = 1.25, m = 0.5", "k = 1.5123, m = 0.25"]
    chooser.value = chooser.options[2]
    pass_time()
    pass_time()
    assert widget(document, "k (").value == 1.5123
    assert "no reference" not in document.get_model_by_name("facts").text


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, 0.0, -5, "1.5", None, True, [1.5]])
def test_what_no_slider_sends_is_answered_by_a_sentence(explorer, value):
    with pytest.raises(spd.ProblemError, match=r"The slider `beta` was set to .* solved from 1 to 2 only"):
        explorer.ask("u", {"beta": value})
    document, pass_time = written(explorer)
    pass_time()
    slider = next(model for model in document.models if type(model).__name__ == "Slider")
    with contextlib.suppress(ValueError):  # Bokeh refuses what is no number
        slider.value = value
        pass_time()
        facts = document.get_model_by_name("facts").text
        assert facts.startswith("<p>The slider `beta` was set to")
