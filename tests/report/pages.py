"""Solutions that reports are written of, and what a page shows."""

import functools
import tempfile
from html.parser import HTMLParser

import numpy as np
import sympy

import spindle as sp
from spindle.gallery.helmholtz import helmholtz3d
from spindle.report.html import write_report
from spindle.training.history import Clock, History, HistoryEntry
from tests.solutions import SMALL, untrained

t, x, y, z = sp.coordinates("t x y z")


def interval():
    u = sp.unknown("u", x)
    return sp.Problem(
        domain=sp.Interval(x, 0, 1),
        equations=[sympy.Eq(-u.diff(x, 2), sympy.pi**2 * sympy.sin(sympy.pi * x))],
        conditions=[sp.Dirichlet(u, 0)],
        reference={u: sympy.sin(sympy.pi * x)},
        name="interval",
    )


def square():
    u = sp.unknown("u", x, y)
    return sp.Problem(domain=sp.Box({x: (0, 2), y: (0, 1)}), equations=[sp.laplacian(u) + 1], name="square")


def cauchy_riemann():
    u, v = sp.unknown("u v", x, y)
    return sp.Problem(
        domain=sp.Box({x: (0, 1), y: (0, 1)}),
        equations=[sympy.Eq(u.diff(x), v.diff(y)), sympy.Eq(u.diff(y), -v.diff(x))],
        conditions=[sp.Dirichlet(u, x**2 - y**2)],
        reference={u: x**2 - y**2},
        name="cauchy_riemann",
    )


def lshape():
    u = sp.unknown("u", x, y)
    return sp.Problem(
        domain=sp.Box({x: (-1, 0), y: (-1, 1)}) | sp.Box({x: (0, 1), y: (-1, 0)}),
        equations=[sp.laplacian(u)],
        conditions=[sp.Dirichlet(u, x * y)],
        reference={u: x * y},
        name="lshape",
    )


def heat():
    """With a tabulated reference."""
    u = sp.unknown("u", x, t)
    axes = {"x": np.linspace(0, 1, 21), "t": np.linspace(0, 0.1, 11)}
    values = np.sin(np.pi * axes["x"])[:, None] * np.exp(-(np.pi**2) * axes["t"])
    return sp.Problem(
        domain=sp.Box({x: (0, 1), t: (0, 0.1)}),
        equations=[sympy.Eq(u.diff(t), u.diff(x, 2))],
        conditions=[sp.Initial(u, sympy.sin(sympy.pi * x)), sp.Dirichlet(u, 0)],
        reference={u: sp.GridReference(axes, values, relative_error=1e-12, source="Fourier series.")},
        name="heat",
    )


def wave():
    u = sp.unknown("u", t, x, y, z)
    exact = sympy.sin(3 * sympy.pi * x) * sympy.sin(2 * sympy.pi * z) * sympy.cos(t)
    operator = u.diff(t, 2) - sp.laplacian(u)
    return sp.Problem(
        domain=sp.Box({t: (0, 1), x: (0, 1), y: (0, 1), z: (0, 1)}),
        equations=[sympy.Eq(operator, sp.manufactured(operator, {u: exact}))],
        reference={u: exact},
        name="wave",
    )


def six():
    axes = sp.coordinates("a b c d e f")
    u = sp.unknown("u", *axes)
    return sp.Problem(domain=sp.Box(dict.fromkeys(axes, (0, 1))), equations=[sp.laplacian(u) + u], name="six")


# Problem, method, and the pictures expected: of the fields (slices times panels, a profile where there is a reference,
# and axes and frame of each panel in motion), and of training.
CASES = {
    "interval": (interval, sp.PINN(**SMALL), 2, 3),
    "square": (square, sp.PINN(**SMALL), 1, 2),
    "cauchy_riemann": (cauchy_riemann, sp.PINN(**SMALL), 3 + 1 + 1, 3),
    "lshape": (lshape, sp.PINN(**SMALL), 3 + 1, 3),
    "heat": (heat, sp.SPINN(**SMALL, rank=2), 3 + 1, 3),
    "helmholtz": (helmholtz3d, sp.SPINN(**SMALL, rank=2), 3 * 3 + 1 + 2 * 3, 3),
    "wave": (wave, sp.SPINN(**SMALL, rank=2), 4 * 3 + 1 + 2 * 3, 3),
    "six": (six, sp.SPINN(**SMALL, rank=2), 3 + 2, 2),
}
# To train the others as well would take most of the time and show the report nothing new.
TRAINED = ("interval",)
MOVING = ("helmholtz", "wave", "six")


@functools.cache
def solved(name):
    make, method, *_ = CASES[name]
    if name in TRAINED:
        return sp.solve(make(), method, progress=False)
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
