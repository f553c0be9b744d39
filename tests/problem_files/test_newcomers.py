"""Problem files as they are first written: notation from books and other programs, and CSV files from loggers.

Each mistake is answered by how it is written here; columns are found by their names.
"""

import numpy as np
import pytest

import spindle as spd
from spindle.errors import SpindleError

NOTATION = [
    ("u_xx = 1", "a derivative is written `diff(u, x, x)`"),
    ("uxx = 1", "a derivative is written `diff(u, x, x)`"),
    ("laplacian(u) = laplacian(u)", "this holds for every field, so nothing is imposed"),
    ("x = y", "this contains no unknown, so nothing can make it true"),
    ("u_t = 1", "by one of the coordinates, x, y"),
    ("d2u/dx2 = 1", "a derivative is written `diff(u, x)`, and a second one `diff(u, x, 2)`"),
    ("du/dx = 1", "a derivative is written `diff(u, x)`"),
    ("∂u/∂x = 1", "a derivative is written `diff(u, x)`"),
    ("u'' = 1", "a derivative is written `diff(u, x)`"),
    ("u_{xx} = 1", "plain text, not LaTeX"),
    ("\\\\frac{1}{2}*u = 1", "plain text, not LaTeX"),
    ("partial(u, x) = 1", "It is called `diff` here, `diff(u, x)`"),
    ("u.diff(x, 2) = 1", "without their module or object"),
    ("laplacian(u) = np.sin(x)", "without their module or object"),
    ("u(x, y) = 1", "`u` depends on all coordinates and is written without arguments"),
    ("laplacian(u(x, y)) = 1", "written without arguments, `u`"),
    ("Δu = 1", "the Laplacian is written `laplacian(u)`"),
    ("∇²u = 1", "write `grad(u)`, `div(v)`, `curl(v)` or `laplacian(u)`"),
    ("lap(u) = 1", "It is called `laplacian` here"),
    ("Laplacian(u) = 1", "Did you mean `laplacian`?"),
    ("grad u = 1", "`grad` takes its arguments in parentheses, `grad(u)`"),
    ("laplacian u = 1", "`laplacian` takes its arguments in parentheses"),
    ("laplacian(u) = sin x", "`sin` takes its arguments in parentheses, `sin(x)`"),
    ("laplacian(u) = sin^2(x)", "powers behind the parentheses, `sin(x)^2`"),
    ("laplacian(u) = exp^x", "write `exp(x)`"),
    ("laplacian(u) = e^x", "the exponential function is written `exp(x)`"),
    ("laplacian(u) = ln(x)", "It is called `log` here, `log(x)`"),
    ("laplacian(u) = arctan(x)", "It is called `atan` here"),
    ("laplacian(u) = pow(x, 2)", "Powers are written `x^2`"),
    ("laplacian(u) = 2x", "a product needs its sign, `2*x`"),
    ("laplacian(u) = x y", "a product needs its sign, `*`"),
    ("laplacian(u) = x·y", "a product is written `*`"),
    ("laplacian(u) = −1", "minus is written `-`"),
    ("laplacian(u) = x²", "powers are written `x^2`"),
    ("laplacian(u) = |x|", "an absolute value is written `abs(x)`"),
    ("laplacian(u) = π", "write `pi`"),
    ("laplacian(u) = √x", "a root is written `sqrt(x)`"),
    ("laplacian(u) = α", "names have letters from a to z"),
    ("laplacian(u) = 1,5", "decimals are written with a point, `1.5`"),
    ("laplacian(u) = 1 if x > 0 else 0", "cases are written `piecewise(1, x > 0, 0)`"),
    ("laplacian(u) == 1", "equality is written with one `=`"),
    ("laplacian(u)", "two sides and one `=`"),
    ("laplacian(u) = 5 # source", "comments stand behind them"),
]
FILES = [
    ("equations = [laplacian(u) = 1]", 'formulas and names stand in quotes, `equations = ["laplacian(u) = 1"]`'),
    ("unknowns = u", "formulas and names stand in quotes"),
    ("coordinates: { x = [0, 1] }", "a key and its value are joined by `=`"),
    ("coordinates = { x: [0, 1] }", "a key and its value are joined by `=`"),
    ("import spindle as spd", "a problem file holds no Python"),
    ('x = spd.coordinates("x")', "a problem file holds no Python"),
    ('{"unknowns": "u"}', "without braces around the whole"),
    ("parameters = { k = { value = 1, unknown = True } }", "write `true`"),
    ("equations = ", "a value is missing"),
    ('unknowns = "u(x)"', "written without its arguments, `u`"),
    ('parameters = { k = "unknown" }', "write `nu = 0.01`, `nu = { value = 1, unknown = true }`"),
    ("parameters = { k = { unknown = true } }", "neither a value (or a first guess) nor a range"),
    ("parameters = { k = [1, 3] }", "`nu = { range = [1, 3] }`"),
    ('conditions = [{ dirichlet = "u(0) = 0" }]', 'is said by `on = "x = 0"`'),
    ('conditions = [{ Dirichlet = "u = 0" }]', "Did you mean `dirichlet`?"),
    ('conditions = [{ dirichlet = "u = 0", on = "x = 0, x = 1" }]', 'as a list, `on = ["x = 0", "x = 1"]`'),
    ('conditions = [{ dirichlet = "u = 0", on = "not hole" }]', "a relation such as `x < 0` belongs here"),
]
USUAL = {
    "unknowns": 'unknowns = "u"',
    "coordinates": "coordinates = { x = [0, 1], y = [0, 1] }",
    "equations": 'equations = ["laplacian(u) = 1"]',
}


def refusal(tmp_path, lines) -> str:
    (tmp_path / "p.toml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(SpindleError) as refused:
        spd.read_problem(tmp_path / "p.toml")
    said = str(refused.value)
    assert "\n" not in said and "p.toml, line" in said
    return said


@pytest.mark.parametrize(("equation", "words"), NOTATION, ids=[equation for equation, _ in NOTATION])
def test_notation_from_elsewhere_is_told_how_it_is_written(tmp_path, equation, words):
    assert words in refusal(tmp_path, (USUAL | {"equations": f'equations = ["{equation}"]'}).values())


@pytest.mark.parametrize(("line", "words"), FILES, ids=[line for line, _ in FILES])
def test_files_of_another_form_are_told_what_belongs_there(tmp_path, line, words):
    key = line.partition(" ")[0].strip(":")
    assert words in refusal(tmp_path, (USUAL | {key: line}).values())


# ----------------------------------------------------------------------------------------------------------- columns

HEAD = 'unknowns = "u"\ncoordinates = { t = [0, 1], x = [0, 1] }\nequations = ["diff(u, t) = laplacian(u)"]\n'
ROWS = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, -1.5e-3]])


def observed(tmp_path, content, options=""):
    raw = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "m.csv").write_bytes(raw)
    condition = 'conditions = [{ observed = "u", data = "m.csv"' + options + " }]"
    (tmp_path / "p.toml").write_text(HEAD + condition)
    (found,) = spd.read_problem(tmp_path / "p.toml").conditions
    return np.stack([found.points["t"], found.points["x"], found.values], axis=1)


UNDERSTOOD = {
    "text beside": "t,x,u,note\n0.1,0.2,0.3,ok\n0.4,0.5,-1.5e-3,\n",
    "dates beside": "day,t,x,u\n2026-05-01,0.1,0.2,0.3\n2026-05-02,0.4,0.5,-1.5e-3\n",
    "an index": ",t,x,u\n0,0.1,0.2,0.3\n1,0.4,0.5,-1.5e-3\n",
    "gaps beside": "t,x,u,v\n0.1,0.2,0.3,\n0.4,0.5,-1.5e-3,nan\n",
    "two of a name beside": "t,x,u,v,v\n0.1,0.2,0.3,1,2\n0.4,0.5,-1.5e-3,1,2\n",
    "semicolons": "t;x;u\n0.1;0.2;0.3\n0.4;0.5;-1.5e-3\n",
    "tabs": "t\tx\tu\n0.1\t0.2\t0.3\n0.4\t0.5\t-1.5e-3\n",
    "a separator at the end": "t,x,u,\n0.1,0.2,0.3,\n0.4,0.5,-1.5e-3,\n",
    "a separator at the end of rows": "t,x,u\n0.1,0.2,0.3,\n0.4,0.5,-1.5e-3,\n",
    "a byte order mark": "\ufefft,x,u\r\n0.1,0.2,0.3\r\n0.4,0.5,-1.5e-3\r\n",
    "quotes and blanks": '"t", "x", "u"\n\n0.1, "0.2", 0.3\n\n0.4, 0.5, -1.5e-3\n\n',
    "remarks": "# logger 7\nt,x,u\n0.1,0.2,0.3\n# noon\n0.4,0.5,-1.5e-3\n",
    "a header of savetxt": "# t,x,u\n0.1,0.2,0.3\n0.4,0.5,-1.5e-3\n",
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_columns_are_found_by_their_names(tmp_path, name):
    np.testing.assert_array_equal(observed(tmp_path, UNDERSTOOD[name]), ROWS)


def test_columns_may_be_called_otherwise(tmp_path):
    content = "time [s],x,Temperature [C],u\n0.1,0.2,0.3,7\n0.4,0.5,-1.5e-3,7\n"
    options = ', columns = { t = "time [s]", u = "Temperature [C]" }'
    np.testing.assert_array_equal(observed(tmp_path, content, options), ROWS)
    with pytest.raises(spd.ProblemError, match=r"no `Temperature` in the file\. Did you mean `Temperature \[C\]`"):
        observed(tmp_path, content, ', columns = { t = "time [s]", u = "Temperature" }')
    np.savez(tmp_path / "m.npz", time=ROWS[:, 0], x=ROWS[:, 1], u=ROWS[:, 2])
    text = (tmp_path / "p.toml").read_text().replace("m.csv", "m.npz").replace("time [s]", "time")
    (tmp_path / "p.toml").write_text(text.replace(', u = "Temperature"', ""))
    np.testing.assert_array_equal(spd.read_problem(tmp_path / "p.toml").conditions[0].points["t"], ROWS[:, 0])


REFUSED = [
    ("", "m.csv has no rows"),
    ("t,x,u\n", "m.csv has no rows"),
    ("# nothing\n\n", "m.csv has no rows"),
    ("0.1,0.2,0.3\n0.2,0.3,0.4\n", "m.csv, line 1: its first line holds numbers, and needs the names of the columns"),
    (
        "time [s],x,u\n0.1,0.2,0.3\n",
        "no `t` in it. There are: time [s], x, u. Say which is which by `columns = { t",
    ),
    ("T,X,U\n0.1,0.2,0.3\n", "no `u` in it. Did you mean `U`?"),
    ("t,x,u\n0.1,0.2,nan\n", "m.csv, line 2: `u` is 'nan', and needs a finite number; leave such rows out"),
    ("t,x,u\n0.1,0.2,inf\n", "m.csv, line 2: `u` is 'inf'"),
    ("t,x,u\n0.1,0.2,0.3\n\n# noon\n0.1,0.2,\n", "m.csv, line 5: `u` is empty"),
    ("t,x,u\ns,m,K\n0.1,0.2,0.3\n", "m.csv, line 2: `u` is 'K'"),
    (
        "t;x;u\n0,1;0,2;0,3\n",
        "m.csv, line 2: `u` is '0,3', and needs a finite number; decimals",
    ),
    ("t,x,u\n0,1,0,2,0,3\n", "m.csv, line 2: it has 6 values for 3 columns; decimals are written with a point"),
    ("t,x,u\n0.1,0.2,0.3\n0,1,0,2,0,3\n", "m.csv, line 3: it has 6 values for 3 columns"),
    ("t,x,u\n0.1,0.2,0.3\n0.1,0.2\n", "m.csv, line 3: it has 2 values for 3 columns"),
    ("t,x,u,u\n0.1,0.2,0.3,4\n", "m.csv, line 1: two columns have the same name, `u`"),
    (b"t,x,u,\xb0C\n0.1,0.2,0.3,1\n", "no UTF-8 text"),
]


@pytest.mark.parametrize(("content", "words"), REFUSED, ids=[words[:40] for _, words in REFUSED])
def test_columns_without_numbers_are_refused_at_their_line(tmp_path, content, words):
    with pytest.raises(spd.ProblemError) as refused:
        observed(tmp_path, content)
    assert words in str(refused.value) and "p.toml, line 4" in str(refused.value)
