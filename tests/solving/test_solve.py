"""What `solve` refuses before any work, and what it remarks upon."""

import signal

import numpy as np
import pytest
import sympy

import spindle as spd

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
SQUARE = spd.Box({x: (0, 1), y: (0, 1)})
QUICK = spd.PINN(steps=3, lbfgs_steps=0, points=4, width=4, hidden_layers=1, balance=0)
f = spd.unknown("f", x)


def problem(equation=None, conditions=None, reference=None):
    equation = spd.laplacian(u) + 1 if equation is None else equation
    conditions = [spd.Dirichlet(u)] if conditions is None else conditions
    return spd.Problem(SQUARE, [equation], conditions, reference or {}, name="square")


def line(equation=None, conditions=None, reference=None):
    """The least that can be solved."""
    equation = f.diff(x, 2) + 1 if equation is None else equation
    conditions = [spd.Dirichlet(f)] if conditions is None else conditions
    return spd.Problem(spd.Interval(x, 0, 1), [equation], conditions, reference or {}, name="line")


def solve(made, **options):
    return spd.solve(made, QUICK, progress=False, **options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"seed": True}, r"seed=True\)` needs a whole number of at least 0 and below 2\^32"),
        ({"seed": 2**32}, "needs a whole number of at least 0 and below"),
        ({"seed": 1.0}, "needs a whole number of at least 0"),
        ({"budget": "3"}, r"budget='3'\)` must be positive, and a number"),
        ({"target": "3"}, r"target='3'\)` must be positive, and a number"),
        ({"target": 0}, "must be positive"),
        ({"callbacks": print}, r"needs a list of functions; write `callbacks=\[function\]`"),
        ({"callbacks": [3]}, "needs a list of functions"),
        ({"out": 3}, "3 is no directory for a run; give its path"),
        ({"out": ""}, "'' is no directory for a run"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(options, text):
    with pytest.raises(spd.SpindleError, match=text):
        solve(problem(), **options)


def test_seeds_of_numpy_are_seeds():
    assert type(solve(line(), seed=np.int64(3)).run.seed) is int


@pytest.mark.parametrize("method", [spd.SPINN, spd.PINN])
def test_a_network_larger_than_the_machine_is_refused(method):
    with pytest.raises(spd.MethodError, match=r"parameters, and to train them takes about .* GiB .*; lower `width`"):
        spd.solve(problem(), method(network="mlp", hidden_layers=2, width=10**7), progress=False)


TABLE = {"x": np.linspace(0, 1, 3), "y": np.linspace(0, 1, 2)}


@pytest.mark.parametrize(
    ("reference", "where"),
    [
        (1 / x, "201 of the 40401 points where it is compared, the first at x=0, y=0"),
        (sympy.log(x - 2), "40401 of the 40401 points"),
        (spd.GridReference(TABLE, np.full((3, 2), np.nan)), "6 of the 6 points"),
        (spd.GridReference(TABLE, np.array([[0, 1], [2, 3], [4, np.inf]])), "1 of the 6 points .* at x=1, y=1"),
    ],
)
def test_a_reference_that_is_not_finite_is_refused_before_training(tmp_path, reference, where):
    with pytest.raises(spd.ProblemError, match=rf"reference of `u\(x, y\)` in `square` is not finite at {where}"):
        solve(problem(reference={u: reference}), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (problem(conditions=[spd.Dirichlet(u, 1 / x)]), "dirichlet u"),
        (line(f.diff(x, 2) - sympy.log(x - 2)), "equation"),
    ],
)
def test_singular_data_are_named(made, name):
    with pytest.raises(spd.DivergenceError, match=f"met `{name}`, not finite on its points before the first step"):
        solve(made)


def test_a_reference_of_zero_has_absolute_errors(tmp_path):
    solution = solve(line(reference={f: 0}), out=tmp_path / "run")
    (measures,) = solution.run.errors.values()
    assert measures["rel_l2"] is None
    assert measures["rmse"] > 0
    assert "absolute (root mean square; the reference is zero)" in repr(solution)
    assert spd.load(tmp_path / "run").record() == solution.record()
    with pytest.raises(spd.ProblemError, match=r"that of f is zero everywhere; look at the absolute errors"):
        solution.error()


def test_doubts_become_warnings():
    assert solve(line(conditions=[])).run.warnings[0].startswith("the problem has no condition")


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: x, r"`spd.given\('kappa', ...\)` failed on arrays of shape .* takes 1 positional argument"),
        (lambda x, y: np.sin(x), "compute with `jax.numpy` in place of `numpy`"),
        (lambda x, y: np.zeros(7), r"returned shape \(7,\) for points of shape \(4, 4\)"),
        (lambda x, y: None, "failed on arrays of shape"),
    ],
)
def test_coded_functions_are_named_where_they_fail(function, text):
    with pytest.raises(spd.ProblemError, match=text):
        method = spd.SPINN(steps=3, lbfgs_steps=0, points=4, width=4, hidden_layers=1, rank=2)
        spd.solve(problem(spd.laplacian(u) - spd.given("kappa", function, x, y)), method, progress=False)


@pytest.mark.slow
def test_resume_has_a_budget_of_its_own(tmp_path):
    method = spd.PINN(steps=10**8, lbfgs_steps=0, points=4, width=4, hidden_layers=1)
    first = spd.solve(problem(), method, budget=3.0, out=tmp_path / "run", progress=False)
    again = spd.resume(tmp_path / "run", budget=first.run.seconds.total - 0.5, progress=False)
    assert again.run.stopped_by == first.run.stopped_by == "budget"
    assert again.run.iterations > first.run.iterations + 100


def test_ctrl_c_is_answered_at_once(capsys):
    def press(record, total):
        signal.raise_signal(signal.SIGINT)

    assert solve(line(), callbacks=[press]).run.stopped_by == "interrupted"
    assert capsys.readouterr().err == "stopping, and keeping what there is; press Ctrl-C again to stop at once\n"
    with pytest.raises(KeyboardInterrupt, match="during training"):
        solve(line(), callbacks=(press, press))


def test_another_file_in_the_place_of_the_checkpoint_is_refused(tmp_path):
    run = solve(line(), out=tmp_path / "run").save(tmp_path / "run")
    (run / "checkpoint.npz").write_bytes((run / "solution.npz").read_bytes())
    with pytest.raises(
        spd.RunError, match=r"checkpoint.npz was written by another version .*, or remove it and resume"
    ):
        spd.resume(run, progress=False)


def test_no_estimate_stands_beside_a_problem_with_many_solutions():
    resonant = f.diff(x, 2) + sympy.pi**2 * f - sympy.sin(sympy.pi * x)
    solution = solve(line(resonant), estimate=True)
    assert solution.verdict.word == "not solved" and "is an eigenvalue" in str(solution.verdict)
    assert solution.run.error_estimate == {"reason": "there is no one solution that it could be the distance from"}
