"""Solutions that reports are written of, and what a page shows."""

import functools
import tempfile
from html.parser import HTMLParser

import numpy as np
import sympy

import spindle as spd
from spindle.gallery.helmholtz import helmholtz3d
from spindle.report.html import write_report
from spindle.training.history import Clock, History, HistoryEntry
from tests.solutions import SMALL, untrained

t, x, y, z = spd.coordinates("t x y z")


def interval():
    u = spd.unknown("u", x)
    return spd.Problem(
        domain=spd.Interval(x, 0, 1),
        equations=[sympy.Eq(-u.diff(x, 2), sympy.pi**2 * sympy.sin(sympy.pi * x))],
        conditions=[spd.Dirichlet(u, 0)],
        reference={u: sympy.sin(sympy.pi * x)},
        name="interval",
    )


def square():
    u = spd.unknown("u", x, y)
    return spd.Problem(domain=spd.Box({x: (0, 2), y: (0, 1)}), equations=[spd.laplacian(u) + 1], name="square")


def cauchy_riemann():
    u, v = spd.unknown("u v", x, y)
    return spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 1)}),
        equations=[sympy.Eq(u.diff(x), v.diff(y)), sympy.Eq(u.diff(y), -v.diff(x))],
        conditions=[spd.Dirichlet(u, x**2 - y**2)],
        reference={u: x**2 - y**2},
        name="cauchy_riemann",
    )


def lshape():
    u = spd.unknown("u", x, y)
    return spd.Problem(
        domain=spd.Box({x: (-1, 0), y: (-1, 1)}) | spd.Box({x: (0, 1), y: (-1, 0)}),
        equations=[spd.laplacian(u)],
        conditions=[spd.Dirichlet(u, x * y)],
        reference={u: x * y},
        name="lshape",
    )


def heat():
    """With a tabulated reference."""
    u = spd.unknown("u", x, t)
    axes = {"x": np.linspace(0, 1, 21), "t": np.linspace(0, 0.1, 11)}
    values = np.sin(np.pi * axes["x"])[:, None] * np.exp(-(np.pi**2) * axes["t"])
    return spd.Problem(
        domain=spd.Box({x: (0, 1), t: (0, 0.1)}),
        equations=[sympy.Eq(u.diff(t), u.diff(x, 2))],
        conditions=[spd.Initial(u, sympy.sin(sympy.pi * x)), spd.Dirichlet(u, 0)],
        reference={u: spd.GridReference(axes, values, relative_error=1e-12, source="Fourier series.")},
        name="heat",
    )


def wave():
    u = spd.unknown("u", t, x, y, z)
    exact = sympy.sin(3 * sympy.pi * x) * sympy.sin(2 * sympy.pi * z) * sympy.cos(t)
    operator = u.diff(t, 2) - spd.laplacian(u)
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1), y: (0, 1), z: (0, 1)}),
        equations=[sympy.Eq(operator, spd.manufactured(operator, {u: exact}))],
        reference={u: exact},
        name="wave",
    )


def six():
    axes = spd.coordinates("a b c d e f")
    u = spd.unknown("u", *axes)
    return spd.Problem(domain=spd.Box(dict.fromkeys(axes, (0, 1))), equations=[spd.laplacian(u) + u], name="six")


# Problem, method, and the pictures expected: of the fields (slices times panels, a profile where there is a reference,
# and axes and frame of each panel in motion), and of training.
CASES = {
    "interval": (interval, spd.PINN(**SMALL), 2, 3),
    "square": (square, spd.PINN(**SMALL), 1, 2),
    "cauchy_riemann": (cauchy_riemann, spd.PINN(**SMALL), 3 + 1 + 1, 3),
    "lshape": (lshape, spd.PINN(**SMALL), 3 + 1, 3),
    "heat": (heat, spd.SPINN(**SMALL, rank=2), 3 + 1, 3),
    "helmholtz": (helmholtz3d, spd.SPINN(**SMALL, rank=2), 3 * 3 + 1 + 2 * 3, 3),
    "wave": (wave, spd.SPINN(**SMALL, rank=2), 4 * 3 + 1 + 2 * 3, 3),
    "six": (six, spd.SPINN(**SMALL, rank=2), 3 + 2, 2),
}
# To train the others as well would take most of the time and show the report nothing new.
TRAINED = ("interval",)
MOVING = ("helmholtz", "wave", "six")


@functools.cache
def solved(name):
    make, method, *_ = CASES[name]
    if name in TRAINED:
        return spd.solve(make(), method, progress=False)
    solution = plain(make, method)
    measures = solution.errors()
    errors = {unknown: measure["rel_l2"] for unknown, measure in measures.items()}
    return solution.with_record(
        iterations=5,
        stopped_by="budget",
        loss=0.125,
        errors=measures,
        seconds=Clock(0.25, 1.5, 3.75, 0.5),
        residuals={"equation": 0.0625},
        history=History(HistoryEntry(step, "Adam", 0.1 * step, 2.0 / step, errors) for step in (1, 2, 5)),
    )


@functools.cache
def plain(make, method=None):
    """A solution that nobody trained; those who record something of it share what was compiled for it."""
    return untrained(make(), method=method)


def recorded(make, **numbers):
    return plain(make).with_record(**numbers)


@functools.cache
def written(name):
    with tempfile.TemporaryDirectory() as folder:
        return write_report(solved(name), f"{folder}/report.html").read_text()


class Page(HTMLParser):
    """What a test wants to know of a page: its text, its images, what it refers to, and whether its tags match."""

    VOID = ("meta", "img", "br", "link", "input")

    def __init__(self, content):
        super().__init__()
        self.open, self.images, self.references, self.tags, self.words = [], [], [], [], []
        self.feed(content)
        self.close()
        assert not self.open, f"left open: {self.open}"
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "img":
            assert attributes["alt"]
            self.images.append(attributes["src"])
        self.references += [v for k, v in attributes.items() if k in ("src", "href", "srcset", "action", "data")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["style"], ["script"]):
            self.words.append(data)


def page_of(solution, path, **options):
    return Page(write_report(solution, path, **options).read_text())
