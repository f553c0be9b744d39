"""Values, texts and tables that nobody meant, made of those that somebody did; `fuzz.py` tries them."""

import copy
import json

NUMBERS = [
    0,
    1,
    -1,
    2,
    10**6,
    10**20,
    10**400,
    -(10**20),
    0.5,
    1e300,
    -1e300,
    1e-300,
    5e-324,
    float("inf"),
    float("nan"),
]
WORDS = [
    "",
    " ",
    "x",
    "u",
    "t",
    "true",
    "\x1b[2J",
    "\u202e",
    "\0",
    "a" * 5000,
    "../../etc/passwd",
    "/dev/zero",
    "$\\frac{",
]
FORMULAS = [
    "9^(9^99)", "exp(exp(exp(9)))", "floor(10^39*x)", "floor(exp(exp(50)))", "diff(u, x, 8)", "1/0",
    "laplacian(laplacian(u))", "0^(-1)", "x^x^x", "(x+y)^99", "max(x, y, u)", "piecewise(u, x < y and y < x, 2)",
    "sin(10^39)", "u*u*u*u*u*u",
    "dn(u)", "normal", "abs(abs(abs(u)))", "sqrt(-1)", "log(0)", "atan2(0, 0)", "dot([u, u], [x, x])", "-u",
    "((((((((u))))))))",
]  # fmt: skip
TOKENS = [
    *"()[]{}=<>^*/+-,.\"'\n#",
    "**",
    "<=",
    "e308",
    "e-308",
    "diff(",
    "sin(",
    "range = [",
    "data = ",
    "\u202e",
    "\x1b",
]
PROBLEM = """unknowns = "u"
coordinates = { x = [0, 1], y = [0, 1] }
equations = ["laplacian(u) = sin(x) + max(x, y)"]
conditions = [{ dirichlet = "u = 0" }]
reference = { u = "x*y" }
"""
GENERATED = [
    PROBLEM,
    'unknowns = "u"\ncoordinates = ["x", "y", "t"]\ntime = [0, 1]\ndomain = "a - b"\n'
    'equations = ["diff(u, t) = laplacian(u)"]\n'
    'conditions = [{ dirichlet = "u = 0" }, { initial = "u = x" }]\n[shapes]\n'
    "a = { ellipse = { centre = [0, 0], axes = [2, 1], angle = 0.3 } }\n"
    "b = { disk = { centre = [0, 0], radius = 0.3 } }\n",
    'unknowns = "u"\ncoordinates = ["x", "y"]\ndomain = "a | b"\nequations = ["laplacian(u) = k*u"]\n'
    "parameters = { k = 1 }\n"
    'conditions = [{ dirichlet = "u = x" }]\n[shapes]\na = { box = { x = [0, 1], y = [0, 1] } }\n'
    "b = { polygon = { vertices = [[0, 0], [3, 0], [0, 3]], holes = [[[0.5, 0.5], [1, 0.5], [0.5, 1]]] } }\n",
    'unknowns = ["u", "v"]\ncoordinates = { t = [0, 1], x = [0, 1] }\n'
    'equations = ["diff(u, t) = v", "diff(v, t) = diff(u, x, 2)"]\n'
    'conditions = [{ initial = "u = f" }, { initial = "v = 0" }, { periodic = "u", axis = "x" }]\n'
    "tabulated = { f = { at = { x = [0, 0.5, 1] }, values = [1, 2, 4] } }\n",
]


def anything(rng, depth=0):
    """A value of any kind, often an extreme one."""
    kind = rng.randrange(8 if depth < 2 else 6)
    if kind < 2:
        return rng.choice(NUMBERS)
    if kind < 4:
        return rng.choice([*WORDS, *FORMULAS])
    if kind == 4:
        return rng.choice([True, False, [], {}])
    if kind == 5:
        return rng.uniform(-10, 10)
    if kind == 6:
        return [anything(rng, depth + 1) for _ in range(rng.choice([0, 1, 2, 3, 300]))]
    return {rng.choice([*WORDS[2:5], "data", "at", "values", "range"]): anything(rng, depth + 1) for _ in range(3)}


def spots(value, path=()):
    """The paths of all parts of nested tables and lists."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from spots(part, (*path, key))


def mutated(rng, data):
    """Nested tables and lists with a few parts replaced, removed, repeated or spliced."""
    data = copy.deepcopy(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        path = rng.choice([p for p in spots(data) if p] or [("new",)])
        parent = data
        for key in path[:-1]:
            parent = parent[key]
        key, kind = path[-1], rng.randrange(5)
        old = parent[key] if not isinstance(parent, dict) or key in parent else None
        if kind == 0:
            del parent[key]
        elif kind == 1 and isinstance(parent, list):
            parent[key:key] = [old] * rng.choice([1, 5, 500])
        elif kind == 2 and isinstance(old, str):
            at = rng.randrange(len(old) + 1)
            parent[key] = old[:at] + rng.choice([*TOKENS, *FORMULAS]) + old[at + rng.randrange(3) :]
        elif kind == 3 and isinstance(old, (int, float)) and not isinstance(old, bool):
            parent[key] = rng.choice(
                [-old, old * 10**9, old * 1e-9 if abs(old) < 1e300 else 0, old + 10**16, rng.choice(NUMBERS)]
            )
        else:
            parent[key] = anything(rng)
    return data


def toml(value) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value).replace("\\u007f", "\\u007F")
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(str(k))} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value)


def bytes_mutated(rng, text: bytes) -> bytes:
    """Bytes flipped, cut, moved, repeated, or tokens put between them."""
    raw = bytearray(text)
    for _ in range(rng.choice([1, 1, 3, 20])):
        at, kind = rng.randrange(len(raw) + 1), rng.randrange(5)
        if kind == 0 and at < len(raw):
            raw[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del raw[at : at + rng.choice([1, 4, 60])]
        elif kind == 2:
            raw[at:at] = rng.choice(TOKENS).encode(errors="replace") * rng.choice([1, 1, 1, 100])
        elif kind == 3:
            raw[at:at] = raw[rng.randrange(len(raw) + 1) :][:40]
        else:
            raw[at : at + 8] = rng.randbytes(8)
    return bytes(raw)
