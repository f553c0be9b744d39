"""The player of the report: its images are the field, and slider, keys and button move it in a browser."""

import asyncio
import base64
import functools
import hashlib
import io
import json
import re
import tempfile

import jax
import matplotlib
import numpy as np
import pytest
import sympy
from matplotlib.image import imread

import spindle as spd
from spindle.report.html import write_report
from spindle.report.images import as_indexed, indexed_png
from spindle.report.player import player
from spindle.report.slices import choose_motion, sample_motion
from tests.report.pages import Page, heat, square
from tests.solutions import SMALL, untrained

t, x, y, z = spd.coordinates("t x y z")

HOSTILE = "</script><script>alert(1)</script>"


def travelling(name="w"):
    """Two fields in a plane, with closed forms, and a third one without."""
    u, v = spd.unknown("u v", t, x, y)
    exact = sympy.cos(x - 2 * t) * y
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 2), y: (0, 1)}),
        equations=[u.diff(t) + 2 * u.diff(x), v.diff(t) - u],
        reference={u: exact},
        quantities={name: u**2},
        name="travelling",
    )


@functools.cache
def moving():
    """A solution of it, and its player: several tests look at one."""
    solution = untrained(travelling(HOSTILE))
    return solution, player(solution)


@functools.cache
def written():
    with tempfile.TemporaryDirectory() as folder:
        return write_report(moving()[0], f"{folder}/r.html").read_text()


def tabulated():
    """On nodes that are not evenly spaced, and more of them in time than a film has frames."""
    u = spd.unknown("u", t, x, y)
    axes = {"t": np.linspace(0, 1, 101), "x": (1 - np.cos(np.pi * np.arange(9) / 8)) / 2, "y": np.linspace(0, 3, 7)}
    values = axes["t"][:, None, None] + 10 * axes["x"][:, None] + 100 * axes["y"]
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1), y: (0, 3)}),
        equations=[u.diff(t) - spd.laplacian(u)],
        reference={u: spd.GridReference(axes, values)},
        name="tabulated",
    )


def lshape():
    u = spd.unknown("u", t, x, y)
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (-1, 0), y: (-1, 1)}) | spd.Box({t: (0, 1), x: (0, 1), y: (-1, 0)}),
        equations=[u.diff(t) - spd.laplacian(u)],
        name="lshape",
    )


def waves_in_space():
    """Least along y, most along x and z."""
    u = spd.unknown("u", x, y, z)
    exact = sympy.sin(3 * x) * sympy.sin(4 * z) * (1 + y / 10)
    return spd.Problem(
        domain=spd.Box({x: (0, 3), y: (0, 1), z: (0, 3)}),
        equations=[spd.laplacian(u) + u],
        reference={u: exact},
        name="waves",
    )


def pixels(uri):
    return imread(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))), format="png")


def shades(image, colours):
    """Where on the colour scale each pixel is, from 0 to 1."""
    scale = matplotlib.colormaps[colours](np.linspace(0, 1, 256))
    return np.argmin(np.abs(image[:, :, None] - scale).sum(-1), axis=-1) / 255


# ------------------------------------------------------------------------------------------------------ its images


def test_an_indexed_image_is_read_back():
    random = np.random.default_rng(0)
    numbers, colours = random.integers(0, 9, (30, 41), np.uint8), random.integers(0, 256, (9, 4), np.uint8)
    image = np.round(255 * imread(io.BytesIO(indexed_png(numbers, colours)), format="png"))
    np.testing.assert_array_equal(image, colours[numbers])


def test_an_image_of_few_colours_gets_smaller_and_stays_the_same():
    field = np.sin(np.linspace(0, 7, 200))[:, None] * np.cos(np.linspace(0, 5, 300))
    written = io.BytesIO()
    matplotlib.image.imsave(written, field, cmap="viridis", format="png")
    small = as_indexed(written.getvalue())
    assert len(small) < 0.7 * len(written.getvalue())
    np.testing.assert_array_equal(imread(io.BytesIO(small)), imread(io.BytesIO(written.getvalue())))
    noise = io.BytesIO()
    matplotlib.image.imsave(noise, np.random.default_rng(0).random((40, 40, 3)), format="png")
    assert as_indexed(noise.getvalue()) == noise.getvalue(), "too many colours for a table"


@pytest.mark.slow
def test_the_images_are_the_field():
    solution, found = moving()
    film = found.films[0]
    computed, reference, error = film.panels
    assert (film.name, film.start, film.places[:2], film.places[-1]) == ("u", 0, ("t = 0", "t = 0.04"), "t = 1")
    nodes = np.linspace(0, 2, 97), np.linspace(0, 1, 97)
    exact = np.cos(nodes[0] - 2 * 0.4) * nodes[1][::-1, None]
    scale = [re.search(r"between (\S+) and (\S+)", panel.axes.alt).groups() for panel in film.panels]
    assert scale[0] == scale[1], "solution and reference share one scale"
    low, high = map(float, scale[1])
    drawn = low + (high - low) * shades(pixels(reference.images[10]), "viridis")
    assert np.abs(drawn - exact).max() < 0.02 * (high - low)
    own = solution.grid(t=[0.4], x=nodes[0], y=nodes[1])[0].T[::-1]
    drawn = low + (high - low) * shades(pixels(computed.images[10]), "viridis")
    assert np.abs(drawn - own).max() < 0.02 * (high - low)
    most = float(scale[2][1])
    drawn = most * shades(pixels(error.images[10]), "magma")
    assert np.abs(drawn - np.abs(own - exact)).max() < 0.02 * most


def test_fields_with_a_reference_are_offered():
    assert [film.name for film in moving()[1].films] == ["u", HOSTILE], "the reference of a square follows"
    alone = player(untrained(lshape()))
    assert [(film.name, len(film.panels)) for film in alone.films] == [("u", 1)]


def test_nothing_is_drawn_outside_the_domain():
    (film,) = player(untrained(lshape())).films
    image = pixels(film.panels[0].images[0])
    assert image[10, 80, 3] == 0
    assert image[80, 10, 3] == image[10, 10, 3] == image[80, 80, 3] == 1


def test_a_table_is_shown_at_its_own_instants_and_nodes():
    solution = untrained(tabulated())
    (table,) = solution.problem.reference.values()
    samples = sample_motion(solution, solution.problem.unknowns[0], choose_motion(solution))
    assert [s.fixed["t"] for s in samples] == pytest.approx(np.arange(26) / 25)
    for k in (0, 7, 25):
        np.testing.assert_array_equal(samples[k].reference, table.values[4 * k].T)
    # Pixels are evenly spaced, the nodes are not: each pixel is of the node that is nearest.
    (film,) = player(solution).films
    image = shades(pixels(film.panels[1].images[0]), "viridis")
    nearest = [int(np.argmin(np.abs(table.axes["x"] - at))) for at in np.linspace(0, 1, 9)]
    wanted = (10 * table.axes["x"][nearest] + 100 * table.axes["y"][::-1, None]) / 311
    np.testing.assert_allclose(image, wanted, atol=0.01)


def test_without_time_the_third_axis_moves():
    solution = untrained(waves_in_space(), method=spd.SPINN(**SMALL, rank=2))
    motion = choose_motion(solution)
    assert (motion.along, motion.timed, motion.plane.shown) == ("y", False, ("x", "z"))
    found = player(solution)
    (film,) = found.films
    assert found.rest == ""
    assert len(film.places) == 26
    assert film.places[film.start] == f"y = {film.start / 25:.4g}"
    assert abs(film.start / 25 - motion.plane.fixed["y"]) <= 0.02, "it begins where the field is largest"


def test_further_coordinates_stay_where_the_field_is_large():
    u = spd.unknown("u", t, x, y, z)
    exact = sympy.sin(3 * sympy.pi * x) * sympy.sin(2 * sympy.pi * z) * sympy.sin(sympy.pi * y)
    domain = spd.Box({t: (0, 1), x: (0, 1), y: (0, 1), z: (0, 1)})
    problem = spd.Problem(domain=domain, equations=[u.diff(t, 2) - spd.laplacian(u)], reference={u: exact})
    found = player(untrained(problem, method=spd.SPINN(**SMALL, rank=2)))
    assert re.fullmatch(r"y = 0\.[45]\d*", found.rest)


def test_a_line_a_plane_and_a_family_do_not_move():
    nu = spd.parameter("nu", range=(1, 2))
    u = spd.unknown("u", t, x, y)
    family = spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1), y: (0, 1)}), equations=[u.diff(t) - nu * spd.laplacian(u)]
    )
    for still in (untrained(square()), untrained(heat()), untrained(family)):
        assert player(still) is None


def test_fields_that_would_weigh_too_much_are_left_out(monkeypatch):
    monkeypatch.setattr("spindle.report.player._WEIGHT", 1000)
    assert [film.name for film in player(moving()[0]).films] == ["u"]


def test_a_field_that_is_not_finite_is_empty():
    solution = untrained(lshape())
    solution = solution.with_model(jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), solution.model))
    (film,) = player(solution).films
    assert (pixels(film.panels[0].images[0])[..., 3] == 0).all()


# ---------------------------------------------------------------------------------------------------- in the page


def test_the_page_shows_the_first_frame_without_a_script():
    page = Page(written())
    assert "In motion Play t = 0 field" in page.text
    assert all(reference.startswith("data:") for reference in page.references)
    for film in moving()[1].films:
        assert all(panel.images[0] in page.images for panel in film.panels)
    assert len(re.findall(r'class="controls" hidden', written())) == 2


@pytest.mark.slow
def test_the_page_of_a_stationary_field_has_no_button(tmp_path):
    solution = untrained(waves_in_space(), method=spd.SPINN(**SMALL, rank=2))
    page = Page(write_report(solution, tmp_path / "r.html").read_text())
    assert "Plane by plane y = " in page.text
    assert "input" in page.tags
    assert not {"button", "select"} & set(page.tags)


def test_only_its_own_script_may_run_and_names_end_none():
    assert HOSTILE not in written()
    (allowed,) = re.findall(r"script-src '(sha256-[^']*)'", written())
    (script,) = re.findall(r"<script>(.*?)</script>", written(), re.DOTALL)
    assert allowed == "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    reels = [json.loads(reel) for reel in re.findall(r'<script type="application/json">(.*?)</script>', written())]
    assert [(len(r["places"]), len(r["images"]), len(r["images"][0])) for r in reels] == [(26, 3, 26)] * 2


# --------------------------------------------------------------------------------------------------- in a browser

FRAME = "document.querySelector('.film:not([hidden]) .frame').src"
PLACE = "document.querySelector('#motion output').value"
SLIDER = "document.querySelector('#motion input')"
BUTTON = "document.querySelector('#motion button')"


def in_browser(folder, use, **features):
    """Open the report in Chromium and use it."""
    browser = pytest.importorskip("tests.report.browser", reason="tornado is not installed", exc_type=ImportError)
    if browser.CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    page = folder / "r.html"
    page.write_text(written())

    async def when_drawn(tab):
        await tab.until(f"{SLIDER}.getAttribute('aria-valuetext')")
        await use(tab, [film.reel for film in moving()[1].films])

    asyncio.run(browser.visited(folder / "profile", page.as_uri(), when_drawn, **features))


async def press(tab, key, number):
    for kind in ("keyDown", "keyUp"):
        await tab.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=number)


def test_keys_and_the_list_of_fields_change_the_picture_in_a_browser(tmp_path):
    async def use(tab, reels):
        assert await tab.value(FRAME) == reels[0]["images"][0][0]
        await tab.value(f"{SLIDER}.focus()")
        for _ in range(3):
            await press(tab, "ArrowRight", 39)
        assert await tab.until(f"{PLACE} === 't = 0.12'")
        assert await tab.value(f"{SLIDER}.getAttribute('aria-valuetext')") == "t = 0.12"
        shown = "[...document.querySelectorAll('.film:not([hidden]) .frame')].map(frame => frame.src)"
        assert await tab.value(shown) == [images[3] for images in reels[0]["images"]]
        await tab.value(
            "(() => { const s = document.querySelector('#motion select'); s.selectedIndex = 1;"
            "s.dispatchEvent(new Event('change')) })()"
        )
        assert await tab.value(shown) == [images[3] for images in reels[1]["images"]]
        assert await tab.value(PLACE) == "t = 0.12"
        assert await tab.value("document.querySelectorAll('.film:not([hidden])').length") == 1
        assert await tab.value("document.documentElement.scrollWidth <= innerWidth")
        await press(tab, "End", 35)
        assert await tab.value(PLACE) == "t = 1"

    in_browser(tmp_path, use, prefers_reduced_motion="reduce")


def test_the_button_plays_and_pauses_in_a_browser(tmp_path):
    async def use(tab, reels):
        await asyncio.sleep(0.5)
        assert await tab.value(PLACE) == "t = 0", "nothing moves by itself where the reader wants less motion"
        await tab.value(f"{BUTTON}.focus()")
        await press(tab, " ", 32)
        assert await tab.value(f"{BUTTON}.textContent") == "Pause"
        await tab.until(f"{SLIDER}.valueAsNumber >= 3")
        await tab.value(f"{BUTTON}.click()")
        stopped = await tab.value(f"{SLIDER}.valueAsNumber")
        assert await tab.value(FRAME) == reels[0]["images"][0][stopped]
        await asyncio.sleep(0.4)
        assert await tab.value(f"{SLIDER}.valueAsNumber") == stopped
        await tab.value(f"{BUTTON}.click()")
        await tab.until(f"{PLACE} === 't = 1' && {BUTTON}.textContent === 'Play'")
        await tab.value(f"{BUTTON}.click()")
        assert await tab.value(f"{SLIDER}.valueAsNumber") < 5, "at the end it begins anew"

    in_browser(tmp_path, use, prefers_reduced_motion="reduce")


def test_it_plays_once_when_it_is_seen_in_a_browser(tmp_path):
    async def use(tab, reels):
        assert await tab.value(PLACE) == "t = 0"
        await tab.value("document.querySelector('#motion').scrollIntoView()")
        await tab.until(f"{SLIDER}.valueAsNumber >= 2", seconds=10)
        await tab.value(f"{SLIDER}.dispatchEvent(new Event('input'))")
        assert await tab.value(f"{BUTTON}.textContent") == "Play", "who takes the slider stops it"

    in_browser(tmp_path, use, prefers_reduced_motion="no-preference")
