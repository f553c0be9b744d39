"""Problem files that nobody should write, each with the place and the words of its refusal."""

GOOD = """\
name = "good"
unknowns = ["u", "v"]
coordinates = { t = [0, 1], x = [0, "2*pi"], y = [-1, 1] }
parameters = { k = 2, b = { range = [1, 3] } }
definitions = { s = "sin(x)*y" }
equations = ["diff(u, t) = k*b*laplacian(u) + s", "v = diff(u, x) + EXPRESSION"]
conditions = [{ initial = "u = s" }, { dirichlet = "u = 0", on = "y = 1" }]
reference = { u = "s*exp(-t)" }
"""

COMPLEX = """\
unknowns = "psi"
complex = "psi"
coordinates = { x = [0, 1] }
equations = ["diff(psi, x) = EXPRESSION"]
"""
INTERFACE = """\
unknowns = "u"
coordinates = { x = [0, 1] }
equations = ["diff(u, x, 2) = 0"]
conditions = [{ dirichlet = "u = 0" }, { interface = "u", at = "AT" }]
"""
_PRODUCT = "*".join(f"(psi + {k})" for k in range(1, 30))

# Whole files, the line of the refusal, and its words.
FILES = [
    # eigenvalues
    ("parameters = { lam = { eigenvalue = 3 } }", 1, "is true or false"),
    ("parameters = { lam = { eigenvalue = true, range = [1, 2] } }", 1, "an eigenvalue is what the problem itself"),
    ("parameters = { lam = { eigenvalue = true, value = 1 } }", 1, "an eigenvalue is what the problem itself"),
    ("parameters = { lam = { eigenvalue = false } }", 1, "neither a value"),
    # unknowns of fewer coordinates
    ('unknowns = ["u", "S(q)"]\ncoordinates = { t = [0, 1], x = [0, 1] }', 1, "`q` is none of these or repeated"),
    ('unknowns = ["u", "S(t,t)"]\ncoordinates = { t = [0, 1], x = [0, 1] }', 1, "`t` is none of these or repeated"),
    ('unknowns = ["u", "S(t,x)"]\ncoordinates = { t = [0, 1], x = [0, 1] }', 1, "without its arguments"),
    ('unknowns = ["u", "S()"]\ncoordinates = { t = [0, 1], x = [0, 1] }', 1, "without its arguments"),
    ('unknowns = ["u", "S(t"]\ncoordinates = { t = [0, 1], x = [0, 1] }', 1, "is no name"),
    # interfaces
    (INTERFACE.replace("AT", "x"), 4, "no single relation|relation such as|is no"),
    (INTERFACE.replace("AT", "x = 2"), 4, "is not inside the domain"),
    (INTERFACE.replace("AT", "x = u"), 4, "contains an unknown"),
    (INTERFACE.replace("AT", 'x = 0.5", resistance = "1'), 4, "whose sign nobody knows"),
    (INTERFACE.replace("AT", 'x = 0.5", flux = "diff(u, x)", resistance = "1/0'), 4, "divides by zero"),
    # complex unknowns
    ('complex = "psi"\nunknowns = "u"\ncoordinates = { x = [0, 1] }', 1, "`psi` is no unknown, of which `complex`"),
    ('complex = 3\nunknowns = "u"\ncoordinates = { x = [0, 1] }', 1, "`complex` needs text"),
    ('complex = "I"\nunknowns = "I"\ncoordinates = { x = [0, 1] }', 2, "`I` is declared twice"),
    ('complex = "re"\nunknowns = "re"\ncoordinates = { x = [0, 1] }', 2, "`re` has a meaning of its own"),
    (COMPLEX.replace("EXPRESSION", "conjugate(psi, x)"), 4, "`conjugate` takes one argument"),
    (COMPLEX.replace("EXPRESSION", "floor(psi)"), 4, "is taken of a complex number"),
    (COMPLEX.replace("EXPRESSION", "piecewise(1, re(psi) < 0, 2)"), 4, "is taken of a complex number"),
    (COMPLEX.replace("EXPRESSION", "I^I"), 4, "exponent is above 100"),
    (COMPLEX.replace("EXPRESSION", _PRODUCT), 4, "more than 20,000 parts|multiplied out"),
    (COMPLEX.replace("EXPRESSION", "+".join(f"re(psi^{k})" for k in range(2, 40))), 4, "more than 24 of"),
    (COMPLEX.replace("EXPRESSION", "re(" + "+".join(f"psi^{k}" for k in range(2, 40)) + ")"), 4, "too long here"),
    (COMPLEX.replace("EXPRESSION", "x < I"), 4, "one relation"),
    # TOML
    ("name = ", 1, "is no TOML"),
    ('name = "x', 1, "is no TOML"),
    ("= 3", 1, "is no TOML"),
    ("[coordinates\nx = [0, 1]", 1, "is no TOML"),
    ('unknowns = "u"\nunknowns = "v"', 2, "is no TOML"),
    ('unknowns = "u"\n[[unknowns]]', 2, "is no TOML"),
    ("x = [1, 2", 1, "is no TOML"),
    ("x = { a = 1", 1, "is no TOML"),
    ("x = 1 2", 1, "is no TOML"),
    ('x = "\\q"', 1, "is no TOML"),
    ("x = 2020-99-99", 1, "is no TOML"),
    ("\x00", 1, "is no TOML"),
    ("a = " + "[" * 5000, 1, "nested too deeply|is no TOML"),
    ("a = " + "[" * 300 + "]" * 300, 1, "no key `a`|nested too deeply"),
    ("a = " + "{b = " * 900 + "1" + "}" * 900, 1, "nested too deeply|no key"),
    ("a." * 20_000 + "a = 1", 1, "no key `a`|nested too deeply"),
    ("\n\na = " + "9" * 5000, 3, "too many digits"),
    ("a = 0x" + "f" * 50_000, 1, "no key `a`"),
    ("# " + "x" * 200_001, 1, "more than 200,000 bytes"),
    ("import os", 1, "is no TOML"),
    # keys
    ("", 1, "`coordinates` is missing"),
    ('unknown = "u"', 1, "no key `unknown` here. Did you mean `unknowns`"),
    ('name = "a"\n\nequation = []', 3, "no key `equation` here. Did you mean `equations`"),
    ('name = "a"\n[solver]\nsteps = 3', 2, "no key `solver`"),
    ("name = 3", 1, "`name` needs text in quotes, not 3"),
    (GOOD.replace("EXPRESSION", "w"), 6, "`w` has no meaning here"),
    (GOOD.replace(", y = [-1, 1]", "").replace("EXPRESSION", "1"), 5, "`y` has no meaning here"),
    (GOOD.replace('"u", "v"', '"u", "v", "q"').replace("EXPRESSION", "1"), 2, "unknown `q` occurs in no equation"),
    (GOOD.replace("k = 2", "u = 1, k = 2").replace("EXPRESSION", "1"), 2, "`u` is declared twice"),
    (GOOD.replace("{ s =", '{ k = "x", s =').replace("EXPRESSION", "1"), 4, "`k` is declared twice"),
    ("title = true", 1, "`title` needs text in quotes, not true"),
]


def replaced(line: int, text: str) -> str:
    """The good file with one of its lines replaced."""
    lines = GOOD.replace("EXPRESSION", "1").splitlines()
    lines[line - 1] = text
    return "\n".join(lines)


# Lines of the good file, as they should not be: number, text, words.
LINES = [
    (1, 'name = "a b"', "cannot be the name of a folder"),
    (1, 'name = "../x"', "cannot be the name of a folder"),
    (1, 'name = ".hidden"', "cannot be the name of a folder"),
    (1, 'name = ["x"]', "needs text"),
    (1, "citation = 2", "needs text"),
    (2, "unknowns = []", "no unknown to solve for"),
    (2, 'unknowns = ""', "no unknown to solve for"),
    (2, "unknowns = 3", "needs text in quotes"),
    (2, 'unknowns = ["u", 3]', "needs text in quotes"),
    (2, 'unknowns = ["u", "u", "v"]', "`u` is declared twice"),
    (2, 'unknowns = ["u", "v", "x"]', "`x` is declared twice"),
    (2, 'unknowns = ["u", "v", "k"]', "`k` is declared twice"),
    (2, 'unknowns = ["u", "v", "w"]', "the unknown `w` occurs in no equation"),
    (2, 'unknowns = ["u", "v", "sin"]', "`sin` has a meaning of its own"),
    (2, 'unknowns = ["u", "v", "w:1000000000"]', "is no name"),
    (2, 'unknowns = ["u", "v", "2w"]', "is no name"),
    (2, 'unknowns = ["u", "v", "w-w"]', "is no name"),
    (2, 'unknowns = ["u", "v", "' + "w" * 100 + '"]', "is no name"),
    (2, 'unknowns = { u = "v" }', "needs text in quotes"),
    (3, "coordinates = {}", "there are no coordinates"),
    (3, "coordinates = 3", "needs a list, not 3"),
    (3, "coordinates = { t = [0, 1], x = [1, 0], y = [0, 1] }", "from 1 to 0 is empty"),
    (3, "coordinates = { t = [0, 1], x = [0, 0], y = [0, 1] }", "from 0 to 0 is empty"),
    (3, "coordinates = { t = [0, 1], x = [0], y = [0, 1] }", "two ends, and this has 1"),
    (3, "coordinates = { t = [0, 1], x = [0, 1, 2], y = [0, 1] }", "two ends, and this has 3"),
    (3, 'coordinates = { t = [0, 1], x = "0..1", y = [0, 1] }', "needs a list"),
    (3, "coordinates = { t = [0, 1], x = [0, inf], y = [0, 1] }", "infinite|not finite"),
    (3, "coordinates = { t = [0, 1], x = [nan, 1], y = [0, 1] }", "not finite|empty"),
    (3, "coordinates = { t = [0, 1], x = [false, true], y = [0, 1] }", "needs text in quotes, not false"),
    (3, 'coordinates = { t = [0, 1], x = [0, "k"], y = [0, 1] }', "needs a number here"),
    (3, 'coordinates = { t = [0, 1], x = [0, "9^9^9^9"], y = [0, 1] }', "too large or too small"),
    (3, 'coordinates = { t = [0, 1], x = [0, "x"], y = [0, 1] }', "needs a number here"),
    (3, 'coordinates = { t = [0, 1], "x y" = [0, 1], y = [0, 1] }', "`x y` is no name"),
    (3, "coordinates = { t = [0, 1], pi = [0, 1], y = [0, 1] }", "`pi` has a meaning of its own"),
    (3, 'coordinates = ["t"]', "no coordinates of space"),
    (4, "parameters = 3", "needs a table, not 3"),
    (4, 'parameters = { k = "x", b = 1 }', "`x` has no meaning here"),
    (4, 'parameters = { k = "1/0", b = 1 }', "divides by zero"),
    (4, "parameters = { k = true, b = 1 }", "needs text in quotes, not true"),
    (4, "parameters = { k = nan, b = 1 }", "not finite"),
    (4, "parameters = { k = {}, b = 1 }", "neither a value.* nor a range"),
    (4, "parameters = { k = { valu = 1 }, b = 1 }", "no key `valu` here. Did you mean `value`"),
    (4, "parameters = { k = { range = [3, 1] }, b = 1 }", "low < high"),
    (4, "parameters = { k = { range = [1] }, b = 1 }", "low < high"),
    (4, "parameters = { k = { range = 3 }, b = 1 }", "needs a list"),
    (4, "parameters = { k = { value = 5, range = [1, 3] }, b = 1 }", "outside its own range"),
    (4, "parameters = { k = { range = [1, 3], unknown = true }, b = 1 }", "not also unknown"),
    (4, 'parameters = { k = { value = 1, unknown = "yes" }, b = 1 }', "`unknown` is true or false"),
    (4, "parameters = { k = 1, b = 1, c = 1 }", "the parameter `c` occurs in no equation"),
    (4, "parameters = { k = 1, b = 1, t = 1 }", "`t` is time"),
    (4, "parameters = { k = 1, b = 1, normal = 1 }", "`normal` has a meaning of its own"),
    (5, "definitions = 3", "needs a table"),
    (5, "definitions = { s = 3, a = [1] }", "needs text in quotes"),
    (5, 'definitions = { s = "s" }', "the definition of `s` leads back to itself"),
    (5, 'definitions = { s = "a", a = "b0^2", b0 = "1 + s" }', "leads back to itself"),
    (5, 'definitions = { s = "x", a = "sin(" }', "ends too early"),
    (5, 'definitions = { s = "x", a = "x = 1" }', "cannot stand inside a formula"),
    (5, 'definitions = { s = "x", sqrt = "x" }', "`sqrt` has a meaning of its own"),
    (6, "equations = []", "there is no equation"),
    (6, 'equations = ""', "ends too early"),
    (6, "equations = [3]", "needs text in quotes"),
    (6, 'equations = ["u", "v = k*b"]', "is no equation"),
    (6, 'equations = ["u < v", "v = k*b"]', "is no equation"),
    (6, 'equations = ["u = v and v = 1", "v = k*b"]', "is no equation"),
    (6, 'equations = ["1 = 2", "v = k*b*u"]', "contains no unknown"),
    (6, 'equations = ["u - u = 0", "v = k*b*u"]', "holds for every field"),
    (6, 'equations = ["[u, v] = [k, b, 1]"]', "2 and 3 components"),
    (6, 'equations = ["[u, v] = k*b"]', "2 and 1 components"),
    (6, 'equations = ["u = [k, b]", "v = 1"]', "1 and 2 components"),
    (6, 'equations = ["u*v*k*b = manufactured"]', "needs a closed form of `v`"),
    (6, 'equations = { a = "u = v", b = { c = 1 } }', "needs text in quotes"),
    (7, "conditions = 3", "needs a list"),
    (7, 'conditions = ["u = 0"]', "needs a table"),
    (7, "conditions = [{}]", "one kind, of dirichlet"),
    (7, 'conditions = [{ dirchlet = "u = 0" }]', "no key `dirchlet` here. Did you mean `dirichlet`"),
    (7, 'conditions = [{ dirichlet = "u = 0", neumann = "dn(u) = 0" }]', "this names 2"),
    (7, 'conditions = [{ dirichlet = "u = 0", one = "x = 0" }]', "no key `one` here. Did you mean `on`"),
    (7, 'conditions = [{ dirichlet = "u" }]', "is no equation"),
    (7, 'conditions = [{ dirichlet = "1 = u" }]', "the left side contains no unknown"),
    (7, 'conditions = [{ dirichlet = "u = [1, 2]" }]', "sets a scalar to 2 values"),
    (7, 'conditions = [{ dirichlet = "[u, v] = [1, 2, 3]" }]', "which leaves some without one"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "x = 9" }]', "no boundary there"),
    (7, 'conditions = [{ observed = "u", data = "a.csv", decimal = ";" }]', "no file|a point or a comma"),
    (7, 'conditions = [{ observed = "u", data = "a.csv", decimal = 3 }]', "needs text in quotes"),
    (7, 'conditions = [{ value = "u = 0" }]', "`at` is missing"),
    (7, 'conditions = [{ value = "u = 0", at = 3 }]', "needs a table"),
    (7, 'conditions = [{ value = "u = 0", at = { x = 0, y = 0 } }]', "needs a number for each of t, x, y"),
    (7, 'conditions = [{ value = "u = 0", at = { t = 0, x = 9, y = 0 } }]', "lies outside the domain"),
    (7, 'conditions = [{ value = "u = 0", at = { t = 0, x = "k", y = 0 } }]', "needs a number here"),
    (7, 'conditions = [{ linked = "u", at = { x = 0 }, to = { x = 0 } }]', "no two different points"),
    (7, 'conditions = [{ mean = "3 = 0" }]', "contains no unknown"),
    (7, 'conditions = [{ mean = "u = 0", noise = -1 }]', "positive standard deviation"),
    (7, 'conditions = [{ total = "u = 0", on = "x = 9" }]', "no boundary there"),
    (7, 'conditions = [{ total = "u = 0", at = { x = 1 } }]', "no key `at` here"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "x > 9" }]', "nothing of the boundary"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "y = 1 and x*y*t > 0.1" }]', "ends along no axis"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "y = 1 and u > 0" }]', "contains an unknown"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "y = 1 and k > 0" }]', "does not name a part of the boundary"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "y = 1 and x" }]', "a relation such as"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "y = 1 or x > 1 and x < 2" }]', "are mixed here"),
    (
        7,
        'conditions = [{ dirichlet = "u = 0", on = "' + " or ".join(f"x > {k}/99" for k in range(99)) + '" }]',
        "more than",
    ),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "' + "not " * 200 + 'x > 1" }]', "nested more than"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "x = x" }]', "always or never true"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "lid" }]', "no boundary there"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = [] }]', "empty list"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = 3 }]', "needs text in quotes"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "z = 1" }]', "`z` has no meaning here"),
    (7, 'conditions = [{ dirichlet = "u = 0", name = 3 }]', "needs text in quotes"),
    (7, 'conditions = [{ neumann = "u = 0" }]', "write `dn\\(u\\) = 0`"),
    (7, 'conditions = [{ neumann = "2*dn(u) = 0" }]', "write `dn\\(u\\) = 0`"),
    (7, 'conditions = [{ robin = "u = 0" }]', "write `2\\*u \\+ dn\\(u\\) = 0`"),
    (7, 'conditions = [{ robin = "dn(u)^2 + u = 0" }]', "write `2\\*u \\+ dn\\(u\\) = 0`"),
    (7, 'conditions = [{ robin = "dn(u) + v = 0" }]', "write `2\\*u \\+ dn\\(u\\) = 0`"),
    (7, 'conditions = [{ robin = "dn(u) + u*v = 0" }]', "write `2\\*u \\+ dn\\(u\\) = 0`"),
    (7, 'conditions = [{ robin = "[dn(u) + u, 2*dn(v) + v] = 0" }]', "different coefficients"),
    (7, 'conditions = [{ initial = "u = w" }]', "`w` has no meaning here"),
    (7, 'conditions = [{ initial = "u = 0", on = "x = 0" }]', "no key `on` here"),
    (7, 'conditions = [{ periodic = "u" }]', "`along` is missing"),
    (7, 'conditions = [{ periodic = "u", along = "z" }]', "`z` is no coordinate"),
    (7, 'conditions = [{ periodic = "u", along = "k" }]', "`k` is no coordinate"),
    (7, 'conditions = [{ periodic = "x", along = "x" }]', "contains no unknown|no unknown"),
    (7, 'conditions = [{ observed = "u" }]', "`at` is missing"),
    (7, 'conditions = [{ observed = "u", data = "none.csv" }]', "there is no file"),
    (7, 'conditions = [{ observed = "u", data = "/etc/passwd" }]', "no file beside the problem"),
    (7, 'conditions = [{ observed = "u", data = "../good.toml" }]', "no file beside the problem"),
    (7, 'conditions = [{ observed = "u", data = "a/../../x.csv" }]', "no file beside the problem"),
    (7, 'conditions = [{ observed = "u", data = "https://host/x.csv" }]', "no file beside the problem"),
    (7, 'conditions = [{ observed = "u", data = "" }]', "no file beside the problem"),
    (7, 'conditions = [{ observed = "u", data = "." }]', "there is no file"),
    (7, 'conditions = [{ observed = "u", data = "good.toml" }]', "files are read that end in .csv"),
    (7, 'conditions = [{ observed = "u", at = 3, values = [1] }]', "needs a table"),
    (7, 'conditions = [{ observed = "u", at = { t = [0], x = [0] }, values = [1] }]', "there is no `y` in it"),
    (7, 'conditions = [{ observed = "u", at = { t = [0], x = [0], y = [0] }, values = ["a"] }]', "list of numbers"),
    (7, 'conditions = [{ observed = "u", at = { t = [0], x = [0], y = [0] }, values = [1, 2] }]', "for every point"),
    (7, 'conditions = [{ observed = "u", at = { t = [0], x = [0], y = [9] }, values = [1] }]', "outside the domain"),
    (7, 'conditions = [{ observed = "u", at = { t = [0], x = [0], y = [0] }, values = [nan] }]', "NaN or infinite"),
    (7, 'conditions = [{ observed = "u", at = { t = [0], x = [0], y = [0] }, values = [1], noise = -1 }]', "positive"),
    (8, "reference = 3", "needs a table"),
    (8, 'reference = { w = "x" }', "`w` is no unknown, and has no reference"),
    (8, 'reference = { k = "x" }', "`k` is no unknown"),
    (8, 'reference = { u = "v" }', "a closed form in the coordinates"),
    (8, 'reference = { u = "[x, y]" }', "a closed form in the coordinates"),
    (8, 'reference = { u = { data = "none.npz" } }', "there is no file"),
    (8, "reference = { u = { values = [1], at = { x = [1] } } }", "needs t, x, y in this order"),
    (8, "tabulated = { q = 3 }", "needs a table"),
    (8, "tabulated = { q = { at = { x = [0, 7] }, values = [1, 2] } }", "OK"),
    (8, "tabulated = { q = { at = { x = [0, 7] }, values = [1, 2, 3] } }", "one axis a coordinate"),
    (8, "tabulated = { q = { at = { x = [7, 0] }, values = [1, 2] } }", "increasing"),
    (8, "tabulated = { q = { at = { x = [0, 0] }, values = [1, 2] } }", "increasing"),
    (8, "tabulated = { q = { at = { x = [0] }, values = [1] } }", "at least two"),
    (8, "tabulated = { q = { at = { x = [0, 7] }, values = [1, nan] } }", "NaN or infinite"),
    (8, "tabulated = { q = { at = { z = [0, 7] }, values = [1, 2] } }", "needs a coordinate of the problem"),
    (8, 'tabulated = { q = { at = { x = [0, 7] }, values = [1, 2], axes = ["z"] } }', "`z` is no coordinate"),
    (8, "tabulated = { u = { at = { x = [0, 7] }, values = [1, 2] } }", "declared twice"),
    (8, 'tabulated = { q = { file = "x.csv" } }', "no key `file` here"),
    (8, 'tabulated = { q = { data = "x.csv", values = [1] } }', "leave one of them out"),
    (8, 'domain = "a"', "goes with shapes"),
    (8, "quantities = 3", "needs a table"),
    (8, 'quantities = { u = "v^2" }', "declared twice"),
    (8, 'quantities = { q = "x" }', "a single expression in the unknowns"),
    (8, 'quantities = { q = "[u, v]" }', "a single expression in the unknowns"),
    (8, 'quantities = { q = "dn(u)" }', "a single expression in the unknowns"),
    (8, 'quantities = { q = "u +" }', "ends too early"),
    (8, "time = [0, 1]", "goes with shapes"),
]
LINES = [case for case in LINES if case[2] != "OK"]

SHAPED = """\
unknowns = "u"
coordinates = ["t", "x", "y"]
time = [0, 1]
domain = "a - b"
shapes = { a = { disk = { centre = [0, 0], radius = 2 } }, b = { disk = { centre = [0, 0], radius = 1 } } }
equations = ["diff(u, t) = laplacian(u)"]
conditions = [{ dirichlet = "u = 0", on = "b" }]
"""
A = "a = { disk = { centre = [0, 0], radius = 2 } }"
SHAPES = [
    (2, 'coordinates = ["t", "x", "x"]', "declared twice"),
    (2, 'coordinates = ["x", "y"]', "t is not among the coordinates"),
    (2, 'coordinates = ["x", "t", "y"]', "the first or the last coordinate"),
    (2, 'coordinates = ["t", "x"]', "a point has 1 coordinates here"),
    (2, 'coordinates = ["t", 3]', "needs text"),
    (3, "time = [1, 0]", "is empty"),
    (3, "", "an interval of its own"),
    (4, 'domain = ""', "ends too early"),
    (4, 'domain = "a - c"', "no shape `c`"),
    (4, 'domain = "a b"', "cannot stand here"),
    (4, 'domain = "a -"', "ends too early"),
    (4, 'domain = "a + b"', "joined by"),
    (4, 'domain = "(a - b"', "ends too early"),
    (4, 'domain = "a - b)"', "cannot stand here"),
    (4, 'domain = "b - a"', "is empty"),
    (4, 'domain = "' + "(" * 500 + '"', "cannot stand here|belong here"),
    (4, 'domain = "' + "a|" * 900 + 'b"', "belong here"),
    (4, "domain = 3", "needs text"),
    (5, "shapes = 3", "needs a table"),
    (5, f"shapes = {{ {A}, b = 3 }}", "needs a table"),
    (5, f"shapes = {{ {A}, b = {{}} }}", "one kind"),
    (5, f"shapes = {{ {A}, b = {{ dsk = 3 }} }}", "no key `dsk` here. Did you mean `disk`"),
    (5, f"shapes = {{ {A}, b = {{ disk = 3 }} }}", "needs a table"),
    (5, f"shapes = {{ {A}, b = {{ disk = {{ centre = [0, 0] }} }} }}", "`radius` is missing"),
    (5, f"shapes = {{ {A}, b = {{ disk = {{ centre = [0], radius = 1 }} }} }}", "a point has 2 coordinates"),
    (5, f"shapes = {{ {A}, b = {{ disk = {{ centre = [0, 0], radius = -1 }} }} }}", "not positive"),
    (5, f'shapes = {{ {A}, b = {{ disk = {{ centre = [0, 0], radius = "x" }} }} }}', "needs a number"),
    (5, f"shapes = {{ {A}, b = {{ disk = {{ center = [0, 0], radius = 1 }} }} }}", "Did you mean `centre`"),
    (5, f"shapes = {{ {A}, b = {{ box = {{ x = [0, 1] }} }} }}", "`y` is missing"),
    (5, f"shapes = {{ {A}, b = {{ box = {{ x = [0, 1], y = [0, 1], z = [0, 1] }} }} }}", "no key `z`"),
    (5, f"shapes = {{ {A}, b = {{ ball = {{ centre = [0, 0], radius = 1 }} }} }}", "needs 3 different symbols"),
    (5, f"shapes = {{ {A}, b = {{ polygon = {{ vertices = [[0, 0], [1, 1]] }} }} }}", "fewer than three"),
    (5, f"shapes = {{ {A}, b = {{ polygon = {{ vertices = [0, 1] }} }} }}", "needs a list"),
    (5, f"shapes = {{ {A}, b = {{ polygon = {{ vertices = [[0, 0], [1, 1], [1, 0], [0, 1]] }} }} }}", "crosses"),
    (5, f"shapes = {{ {A}, b = {{ ellipse = {{ centre = [0, 0], axes = [1] }} }} }}", "needs 2 numbers"),
    (5, f'shapes = {{ {A}, b = {{ curve = {{ x = "cos(s)", s = [0, 1] }} }} }}', "`y` is missing"),
    (5, f'shapes = {{ {A}, b = {{ curve = {{ x = "cos(s)", y = "s", s = [0, 1] }} }} }}', "is open"),
    (5, f'shapes = {{ {A}, b = {{ curve = {{ x = "cos(r)", y = "s", s = [0, 1] }} }} }}', "`r` has no meaning"),
    (5, f'shapes = {{ {A}, b = {{ mesh = "/etc/passwd" }} }}', "no file beside"),
    (5, f'shapes = {{ {A}, b = {{ mesh = "none.stl" }} }}', "there is no file"),
    (5, f'shapes = {{ {A}, b = {{ mesh = "good.toml" }} }}', "meshes are read that end in .stl"),
    (5, f'shapes = {{ {A}, b = {{ points = "none.npz" }} }}', "there is no file"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "circle" }]', "the sides of this domain are"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "x > 5" }]', "nothing of the boundary"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "not hollow" }]', "there is no side `hollow`"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "b and not b" }]', "nothing of the boundary"),
    (7, 'conditions = [{ dirichlet = "u = 0", on = "u > 0" }]', "contains an unknown"),
]


def reshaped(line: int, text: str) -> str:
    """The file with shapes, one of its lines replaced."""
    lines = SHAPED.splitlines()
    lines[line - 1] = text
    return "\n".join(lines)


LAUGHS = 'unknowns = "u"\ncoordinates = { x = [0, 1], y = [0, 1] }\nequations = ["laplacian(u) = d40"]\n[definitions]\n'
LAUGHS += 'd0 = "sin(x)*cos(y) + x"\n' + "\n".join(f'd{k + 1} = "d{k}*(1 + d{k})"' for k in range(40))
CHAIN = 'unknowns = "u"\ncoordinates = { x = [0, 1], y = [0, 1] }\nequations = ["u = d500"]\n[definitions]\n'
CHAIN += 'd0 = "x"\n' + "\n".join(f'd{k + 1} = "sin(d{k})"' for k in range(500))
BACKWARD = 'unknowns = "u"\ncoordinates = { x = [0, 1], y = [0, 1] }\nequations = ["u = d0"]\n[definitions]\n'
BACKWARD += "\n".join(f'd{k} = "d{k + 1} + x"' for k in range(500)) + '\nd500 = "x"'
