"""Imports run one way, importing does nothing, public names are documented, classes are abstract or final."""

import ast
import inspect
import os
import subprocess
import sys
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import spindle

ROOT = Path(spindle.__file__).parent

# The floors of the house: a room imports from lower floors and from itself; `errors` and `visible` are single modules.
FLOORS = {
    0: ("errors", "visible"),
    1: ("storage", "symbolic", "networks"),
    2: ("geometry",),
    3: ("problem", "points"),
    4: ("reference", "problem_files", "lowering"),
    5: ("gallery", "derivatives"),
    6: ("objective",),
    7: ("training",),
    8: ("adaptivity", "classical", "reduction", "slabs"),
    9: ("methods",),
    10: ("results",),
    11: ("solving",),
    12: ("experiments", "report"),
    13: ("reproduction", "__init__"),
    14: ("cli",),
    15: ("__main__",),
}
WITHOUT_JAX = ("errors", "visible", "symbolic", "geometry", "problem", "problem_files")
FLOOR = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
# Extras that users install when they need them; they alone may be imported inside a function.
EXTRAS = ("IPython", "bokeh", "gmsh", "ipywidgets", "meshio", "orbax", "tornado", "trimesh")
LONG = ("h5py", "pandas", "xarray")  # together a sixth of what it takes to import spindle
PAGES = "report"  # draws by Matplotlib, which takes another sixth: this room may import of itself late

MODULES = sorted(ROOT.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(), filename=str(path)) for path in MODULES}


def name_of(path: Path) -> str:
    """`spindle.geometry.domain`; packages by their own name, the whole as `spindle`."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path): path for path in MODULES}


def room_of(module: str) -> str:
    return [*module.split("."), "__init__"][1]


def imported(nodes) -> list[tuple[int, str]]:
    """(line, module) of each import; `from package import module` names the module."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(node.lineno, name if name in NAMES else node.module) for name in whole]
    return found


def ours(path) -> list[tuple[int, str]]:
    return [(line, name) for line, name in imported(ast.walk(TREES[path])) if name.split(".")[0] == "spindle"]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_downwards(path):
    own = room_of(name_of(path))
    assert own in FLOOR, f"{name_of(path)} belongs to no floor; see section 3 of the design"
    for line, target in ours(path):
        room = room_of(target)
        allowed = room == own or FLOOR[room] < FLOOR[own]
        assert allowed, (
            f"{path.name}:{line} imports {target} (floor {FLOOR[room]}) into {own} (floor {FLOOR[own]}); "
            f"a room may import from lower floors and from itself only"
        )


def floors_in_words() -> str:
    """The floors as a table, each room with the first line of its docstring."""
    lines = ["| floor | room | what it holds |", "|---|---|---|"]
    for floor, rooms in FLOORS.items():
        for room in rooms:
            path = NAMES["spindle" if room == "__init__" else f"spindle.{room}"]
            words = ast.get_docstring(TREES[path]).split("\n")[0].rstrip(".")
            lines.append(f"| {floor} | `{room}` | {words} |")
    return "\n".join(lines)


def test_the_guide_shows_the_floors():
    """CONTRIBUTING.md repeats the table above: what this prints goes there."""
    guide = ROOT.parent / "CONTRIBUTING.md"
    assert not guide.exists() or floors_in_words() in guide.read_text(), floors_in_words()


@pytest.mark.parametrize("level", ["modules", "rooms"])
def test_imports_have_no_cycle(level):
    graph = defaultdict(set)
    for path in MODULES:
        for _, target in ours(path):
            source = name_of(path)
            if level == "modules":
                graph[source].add(target)
            elif room_of(source) != room_of(target):
                graph[room_of(source)].add(room_of(target))
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"{level} import each other in a circle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_is_imported_late(path):
    """Only extras, and what takes long and few need, are imported where they are used; else it would hide a cycle."""
    functions = [n for n in ast.walk(TREES[path]) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))]
    late = [
        (line, name)
        for f in functions
        for line, name in imported(ast.walk(f))
        if name.split(".")[0] not in EXTRAS + LONG and not room_of(name) == room_of(name_of(path)) == PAGES
    ]
    assert not late, f"{path.name} imports inside a function: {late}"


@pytest.mark.parametrize("path", [p for n, p in NAMES.items() if room_of(n) in WITHOUT_JAX], ids=name_of)
def test_mathematics_knows_no_jax(path):
    used = {name.split(".")[0] for _, name in imported(ast.walk(TREES[path]))}
    assert not used & {"jax", "jaxlib", "equinox", "optax", "jaxtyping"}


def test_importing_changes_no_jax_setting_and_computes_nothing():
    """All modules, on a platform that does not exist: there the first array would fail."""
    modules = [name for name in NAMES if not name.endswith("__main__")]
    code = f"""
import importlib, jax
before = dict(jax.config.values)
for module in {modules}:
    importlib.import_module(module)
after = dict(jax.config.values)
print([(k, before.get(k), after.get(k)) for k in {{*before, *after}} if before.get(k) != after.get(k)])
"""
    environment = os.environ | {"JAX_PLATFORMS": "nowhere"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]", "importing spindle changes these settings of JAX"


def test_public_names_exist_once_and_in_order():
    names = spindle.__all__
    assert len(set(names)) == len(names)
    assert names == sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n)), (
        "acronyms, classes, functions"
    )
    (typed,) = (node for node in TREES[ROOT / "__init__.py"].body if isinstance(node, ast.If))
    offered = {alias.name: node.module for node in typed.body for alias in node.names}
    assert set(offered) == set(names), "what type checkers see is what is offered"
    assert offered == {**spindle._HOMES, "gallery": "spindle"}, "a name is loaded from where type checkers see it"


def test_a_problem_is_posed_without_what_solves_and_draws_it():
    """Else whoever writes a problem, or asks for help, waits for JAX and Matplotlib."""
    code = """
import sys, spindle as spd
assert not {"sympy", "scipy"} & set(sys.modules), "the import alone loads nothing"
x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
ring = spd.Disk({x: 0, y: 0}, 1) - spd.Disk({x: 0, y: 0}, 0.5)
print(spd.Problem(ring, [spd.laplacian(u) - 1], [spd.Dirichlet(u, 0)]))
assert not {"jax", "equinox", "matplotlib", "pandas", "xarray", "rich", "jinja2"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", spindle.__all__)
def test_public_names_are_documented(name):
    thing = getattr(spindle, name)
    text = inspect.cleandoc(thing.__doc__ or "")
    assert text, f"spd.{name} has no docstring"
    assert not text.startswith(f"{name}("), f"the docstring of spd.{name} is only its signature"
    assert text.splitlines()[0].endswith((".", ":", "`")), (
        f"the docstring of spd.{name} begins with no sentence: {text}"
    )


# --------------------------------------------------------------------------------------------- abstract or final


@cache
def known_as(path) -> dict[str, str]:
    """The full names of our classes and functions by the names that a module uses."""
    found = {node.name: f"{name_of(path)}.{node.name}" for node in TREES[path].body if isinstance(node, ast.ClassDef)}
    for node in TREES[path].body:
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "spindle":
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def resolved(path, expression) -> str:
    """The full name of what an expression such as `Field` or `conditions.OnBoundary[T]` stands for, if it is ours."""
    first, *rest = ast.unparse(expression).split("[")[0].split(".")
    return ".".join([known_as(path).get(first, first), *rest])


CLASSES = {
    f"{name_of(path)}.{node.name}": (path, node)
    for path, tree in TREES.items()
    for node in tree.body
    if isinstance(node, ast.ClassDef)
}
BASES = {name: [resolved(path, base) for base in node.bases] for name, (path, node) in CLASSES.items()}
SUBCLASSED = sorted({base for bases in BASES.values() for base in bases if base in CLASSES})


@cache
def calls() -> dict[str, list[str]]:
    """Where each of our functions and classes is called; all workers collect this file, and one needs to know."""
    where = defaultdict(list)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                where[resolved(path, node.func)].append(f"{path.name}:{node.lineno}")
    return where


def test_the_search_finds_the_interfaces():
    """Else the two tests below would pass on nothing."""
    for name in (
        "geometry.domain.Domain",
        "problem.conditions.base.Condition",
        "networks.fields.Field",
        "methods.base.Method",
    ):
        assert f"spindle.{name}" in SUBCLASSED
    assert calls()["spindle.geometry.domain.Box"]


@pytest.mark.parametrize("name", SUBCLASSED)
def test_a_class_that_is_subclassed_is_never_built(name):
    heirs = [heir for heir, bases in BASES.items() if name in bases]
    assert not calls()[name], f"{name} is subclassed by {heirs} and built in {calls()[name]}"


def is_abstract(function) -> bool:
    """A docstring and nothing, or `raise NotImplementedError`."""
    body = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return not body or (
        len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImplementedError" in ast.unparse(body[0])
    )


def ancestors(name):
    for base in BASES[name]:
        if base in CLASSES:
            yield base
            yield from ancestors(base)


@pytest.mark.parametrize("name", [name for name in CLASSES if any(ancestors(name))])
def test_nothing_is_overridden(name):
    """A method may fill in an abstract one; a finished one stays as it is."""
    own = {f.name for f in CLASSES[name][1].body if isinstance(f, ast.FunctionDef)}
    for base in ancestors(name):
        finished = {f.name for f in CLASSES[base][1].body if isinstance(f, ast.FunctionDef) and not is_abstract(f)}
        assert not own & finished, f"{name} overrides {own & finished} of {base}"
