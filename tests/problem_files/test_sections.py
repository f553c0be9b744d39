"""Domains, conditions, parameters and tables of files against the same written in Python."""

import numpy as np
import pytest
from sympy import Eq, Matrix, cos, exp, pi, sin

import spindle as spd
from tests.problem_files.test_examples import plain

t, x, y, z, s = spd.coordinates("t x y z s")


def read(tmp_path, text, name="problem.toml"):
    (tmp_path / name).write_text(text)
    return spd.read_problem(tmp_path / name)


# ------------------------------------------------------------------------------------------------------- domains

DISK = spd.Disk({x: 0.5, y: 0}, 0.25, name="hole")
SQUARE = spd.Box({x: (-1, 1), y: (-1, 1)})
HOLE = "hole = { disk = { centre = [0.5, 0], radius = 0.25 } }"
PLATE = "plate = { box = { x = [-1, 1], y = [-1, 1] } }"
DOMAINS = {
    "disk": ('coordinates = ["x", "y"]\ndomain = "hole"', HOLE, DISK),
    "plate": ('coordinates = ["x", "y"]\ndomain = "plate - hole"', f"{PLATE}\n{HOLE}", SQUARE - DISK),
    "ellipse": (
        'coordinates = ["x", "y"]\ndomain = "(e | hole) & plate"',
        f'{PLATE}\n{HOLE}\ne = {{ ellipse = {{ centre = [0, 0.1], axes = [1, 0.5], angle = "pi/6" }} }}',
        (spd.Ellipse({x: 0, y: 0.1}, (1, 0.5), np.pi / 6, name="e") | DISK) & SQUARE,
    ),
    "polygon": (
        'coordinates = ["x", "y"]\ndomain = "p"',
        "p = { polygon = { vertices = [[0, 0], [4, 0], [0, 4]], holes = [[[1, 1], [2, 1], [1, 2]]] } }",
        spd.Polygon((x, y), [(0, 0), (4, 0), (0, 4)], [[(1, 1), (2, 1), (1, 2)]], name="p"),
    ),
    "curve": (
        'coordinates = ["x", "y"]\ndomain = "c"\ndefinitions = { r = "2 + cos(5*pi)/2" }',
        'c = { curve = { x = "r*cos(s)", y = "sin(s)", s = [0, "2*pi"] } }',
        spd.Curve({x: cos(s) * 3 / 2, y: sin(s)}, s, (0, 2 * pi), name="c"),
    ),
    "ball": (
        'coordinates = ["x", "y", "z"]\ndomain = "b"',
        "b = { ball = { centre = [0, 0, 1], radius = 2 } }",
        spd.Ball({x: 0, y: 0, z: 1}, 2, name="b"),
    ),
    "first": (
        'coordinates = ["t", "x", "y"]\ndomain = "hole"\ntime = [0, 2]',
        HOLE,
        spd.Interval(t, 0, 2) * DISK,
    ),
    "last": (
        'coordinates = ["x", "y", "t"]\ndomain = "plate - hole"\ntime = [0, "pi"]',
        f"{PLATE}\n{HOLE}",
        (SQUARE - DISK) * spd.Interval(t, 0, pi),
    ),
    "boxes": (
        'coordinates = ["t", "x", "y"]\ndomain = "plate - corner"\ntime = [0, 1]',
        f"{PLATE}\ncorner = {{ box = {{ x = [0, 1], y = [0, 1] }} }}",
        spd.Box({t: (0, 1), x: (-1, 1), y: (-1, 1)}) - spd.Box({t: (0, 1), x: (0, 1), y: (0, 1)}),
    ),
    "line": (
        'coordinates = ["x"]\ndomain = "a | b"',
        "a = { box = { x = [0, 1] } }\nb = { box = { x = [2, 3] } }",
        spd.Interval(x, 0, 1) | spd.Interval(x, 2, 3),
    ),
}


@pytest.mark.parametrize("name", DOMAINS)
def test_domains_are_those_of_python(tmp_path, name):
    head, shapes, domain = DOMAINS[name]
    text = f'unknowns = "u"\n{head}\nequations = ["diff(u, x) = 0"]\n[shapes]\n{shapes}'
    u = spd.unknown("u", *domain.coordinates)
    assert plain(read(tmp_path, text)) == plain(spd.Problem(domain, [Eq(u.diff(x), 0)]))


def test_meshes_and_nodes_come_from_files_beside_the_problem(tmp_path):
    (tmp_path / "parts").mkdir()
    trimesh = pytest.importorskip("trimesh")
    trimesh.creation.box((1, 1, 2)).export(tmp_path / "parts" / "box.stl")
    head = 'unknowns = "u"\ncoordinates = ["x", "y", "z"]\ndomain = "a"\nequations = ["laplacian(u) = 0"]\n'
    found = read(tmp_path, head + 'shapes = { a = { mesh = "parts/box.stl" } }')
    assert found.domain.volume == pytest.approx(2)
    assert found.domain.sides == ("a",)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    np.savez(tmp_path / "nodes.npz", interior=ring * 0.5, boundary=ring, normals=ring)
    head = head.replace(', "z"', "")
    found = read(tmp_path, head + 'shapes = { a = { points = "nodes.npz" } }')
    assert found.domain == spd.PointCloud((x, y), ring * 0.5, ring, ring, sides=("a",))
    np.savez(tmp_path / "nodes.npz", interior=ring * 0.5, boundary=ring)
    with pytest.raises(spd.ProblemError, match="line 5, column 27: there is no `normals` in it"):
        read(tmp_path, head + 'shapes = { a = { points = "nodes.npz" } }')


# ---------------------------------------------------------------------------------------------------- conditions

u, v = spd.unknown("u v", t, x, y)
k = spd.parameter("k", 2)
EXACT = exp(-t) * sin(x) * y
n = spd.normal(x, y)
CONDITIONS = {
    '{ dirichlet = "u = x" }': spd.Dirichlet(u, x),
    '{ dirichlet = "u = x", on = "x = 0", name = "inlet" }': spd.Dirichlet(u, x, on=Eq(x, 0), name="inlet"),
    '{ dirichlet = "u = 0", on = ["x = 0", "y = 1"] }': spd.Dirichlet(u, 0, on=[Eq(x, 0), Eq(y, 1)]),
    '{ dirichlet = "[u, v] = [1, x]" }': spd.Dirichlet(Matrix([u, v]), [1, x]),
    '{ dirichlet = "[u, v] = 0" }': spd.Dirichlet(Matrix([u, v]), 0),
    '{ dirichlet = "dot(normal, grad(u)) + u^2 = 1" }': spd.Dirichlet(spd.dot(n, spd.grad(u)) + u**2, 1),
    '{ dirichlet = "u*dn(v) = 1" }': spd.Dirichlet(u * spd.dot(n, spd.grad(v)), 1),
    '{ dirichlet = "u = manufactured" }': spd.Dirichlet(u, EXACT),
    '{ neumann = "dn(u) = sin(t)" }': spd.Neumann(u, sin(t)),
    '{ neumann = "dn([u, v]) = [1, 2]" }': spd.Neumann(Matrix([u, v]), [1, 2]),
    '{ neumann = "dn(u) = manufactured" }': spd.Neumann(u, spd.dot(n, spd.grad(EXACT, over=(x, y)))),
    '{ robin = "k*u + 3*dn(u) = t" }': spd.Robin(u, k, 3, t),
    '{ robin = "2*(dn(u) + x*u) = 0" }': spd.Robin(u, 2 * x, 2, 0),
    '{ robin = "dn(u) = 1" }': spd.Robin(u, 0, 1, 1),
    '{ robin = "[u + 2*dn(u), v + 2*dn(v)] = 0" }': spd.Robin(Matrix([u, v]), 1, 2, 0),
    '{ initial = "u = sin(x)" }': spd.Initial(u, sin(x)),
    '{ initial = "diff(u, t) = 0", name = "rest" }': spd.Initial(u.diff(t), 0, name="rest"),
    '{ initial = "u = manufactured" }': spd.Initial(u, sin(x) * y),
    '{ initial = "diff(u, t) = manufactured" }': spd.Initial(u.diff(t), -sin(x) * y),
    '{ periodic = "u", along = "x" }': spd.Periodic(u, x),
    '{ periodic = "[u, v]", along = "y", name = "wrap" }': spd.Periodic(Matrix([u, v]), y, name="wrap"),
    '{ observed = "u", at = { t = [0, 1], x = [0, 0.5], y = [0, 0] }, values = [1, 2], noise = 0.1 }': spd.Observed(
        u, {"t": [0, 1], "x": [0, 0.5], "y": [0, 0]}, [1, 2], noise=0.1
    ),
}


@pytest.mark.parametrize("written", CONDITIONS)
def test_conditions_are_those_of_python(tmp_path, written):
    text = f"""
        unknowns = ["u", "v"]
        coordinates = {{ t = [0, 1], x = [0, 1], y = [0, 1] }}
        parameters = {{ k = 2 }}
        equations = ["diff(u, t) = k*v"]
        reference = {{ u = "exp(-t)*sin(x)*y" }}
        conditions = [{written}]
    """
    box = spd.Box({t: (0, 1), x: (0, 1), y: (0, 1)})
    python = spd.Problem(box, [Eq(u.diff(t), k * v)], [CONDITIONS[written]], {u: EXACT})
    assert plain(read(tmp_path, text)) == plain(python)


def test_the_first_instant_of_a_shape_in_time_is_where_sources_are_taken(tmp_path):
    text = """
        unknowns = "w"
        coordinates = ["x", "y", "t"]
        domain = "a"
        time = ["pi/2", 3]
        shapes = { a = { disk = { centre = [0, 0], radius = 1 } } }
        equations = ["diff(w, t) = manufactured"]
        reference = { w = "sin(t)*x" }
        conditions = [{ initial = "w = manufactured" }, { neumann = "dn(w) = 0", on = ["a", "x > 0"] }]
    """
    w = spd.unknown("w", x, y, t)
    python = spd.Problem(
        spd.Disk({x: 0, y: 0}, 1, name="a") * spd.Interval(t, pi / 2, 3),
        [Eq(w.diff(t), cos(t) * x)],
        [spd.Initial(w, x), spd.Neumann(w, 0, on=["a", x > 0])],
        {w: sin(t) * x},
    )
    assert plain(read(tmp_path, text)) == plain(python)


def test_parameters_have_their_three_uses(tmp_path):
    (tmp_path / "three.toml").write_text("""
        unknowns = "u"
        coordinates = { x = [0, "L"] }
        definitions = { L = "2*pi" }
        equations = ["a*u + b + c = d"]
        [parameters]
        a = "L/4"
        b = { value = 1, unknown = true }
        c = { range = [1, "pi"] }
        d = { value = 2 }
    """)
    found = {p.name: (p.value, p.unknown, p.bounds) for p in spd.read_problem(tmp_path / "three.toml").parameters}
    assert found == {
        "a": (np.pi / 2, False, None),
        "b": (1.0, True, None),
        "c": (None, False, (1.0, np.pi)),
        "d": (2.0, False, None),
    }
    member = spd.read_problem(tmp_path / "three.toml", c=2, d=3)
    assert {p.name: p.value for p in member.parameters} == {"a": np.pi / 2, "b": 1.0, "c": 2.0, "d": 3.0}
    assert member.origin == (str(tmp_path / "three.toml"), {"c": 2, "d": 3})
    with pytest.raises(spd.ProblemError, match=r"three.toml, line 1, column 1: .*outside the declared range"):
        spd.read_problem(tmp_path / "three.toml", c=9)


def test_names_and_sentences(tmp_path):
    text = 'unknowns = "u"\ncoordinates = { x = [0, 1] }\nequations = { balance = "u = 1" }\n'
    found = read(tmp_path, text, "my problem.toml")
    assert (found.name, found.title, [e.name for e in found.equations]) == ("my_problem", "", ["balance"])
    found = read(tmp_path, text + 'name = "a-1"\ntitle = """\ntwo\nlines"""\ncitation = "c"\nnotes = "n"')
    assert (found.name, found.title, found.citation, found.notes) == ("a-1", "two lines", "c", "n")
