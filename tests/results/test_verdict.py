"""The word at the end of a solve, on made-up records: each reason is given where it should be, and only there."""

import pytest

from spindle.results.run_record import RunRecord
from spindle.results.verdict import judge
from spindle.training.history import Clock, History

GOOD = {"errors": {"u": 1e-6}, "bound": False, "left": 0.01, "seconds": 1.0}


def run(**changes):
    parts = {"iterations": 10, "stopped_by": "converged", "shares": {"equation": 1e-5}, "error_estimate": GOOD}
    return RunRecord.from_data(parts | changes, Clock(), History())


def estimated(error, *, bound=False):
    return {"errors": {"u": error}, "bound": bound, "left": 0.9 if bound else 0.01, "seconds": 1.0}


def test_a_good_run_is_solved():
    verdict = judge(run())
    assert (verdict.word, verdict.reasons, str(verdict)) == ("solved", (), "solved")
    assert verdict.as_dict() == {"word": "solved", "reasons": []}
    assert judge(run(error_estimate={})).word == "solved", "residuals this small need no estimate"
    assert judge(run(stopped_by="budget", error_estimate=estimated(1e-6))).word == "solved", "the estimate says enough"


REASONS = [
    ({"accumulated": {"u": 0.02}, "error_estimate": {}}, "doubtful", "residuals add up to an error of 2.0e-02 in u"),
    ({"accumulated": {"u": 1e-4, "v": 0.5}, "error_estimate": {}}, "not solved", "add up to an error of 5.0e-01 in v"),
    (
        {"accumulated": {"u": float("inf")}, "error_estimate": {}},
        "not solved",
        "residuals add up to more than u itself",
    ),
    ({"accumulated": {"u": None}, "error_estimate": {}}, "doubtful", "no time to find out what its residuals add up"),
    (
        {"error_estimate": estimated(1e-3, bound=True) | {"left": 0.0}},
        "doubtful",
        "is 1.0e-03 at least, and small errors grow",
    ),
    ({"stopped_by": "diverged"}, "not solved", "training diverged"),
    ({"stopped_by": "budget", "iterations": 0}, "not solved", "nothing was trained"),
    ({"stopped_by": "budget", "error_estimate": {}}, "doubtful", "the budget ended training"),
    ({"stopped_by": "interrupted", "error_estimate": {}}, "doubtful", "training was interrupted"),
    ({"stopped_by": "budget", "error_estimate": estimated(0.1)}, "doubtful", "the budget ended training"),
    ({"reached": {"coordinate": "t", "to": 0.3, "of": 1.0}}, "not solved", "it reaches t = 0.3 of 1 only"),
    ({"error_estimate": estimated(0.1)}, "doubtful", "the estimated error of u is 1.0e-01"),
    ({"error_estimate": estimated(0.5)}, "not solved", "the estimated error of u is 5.0e-01"),
    ({"error_estimate": estimated(1e-3, bound=True)}, "doubtful", "is 1.0e-03 at least, and explains little"),
    (
        {"error_estimate": estimated(1e-3, bound=True) | {"noise": True}},
        "doubtful",
        "at least, and what noise leaves open",
    ),
    (
        {"shares": {"equation": 0.9}, "error_estimate": {}},
        "not solved",
        "residual of `equation` is 90% of its own terms",
    ),
    (
        {"shares": {"equation": 0.2}, "error_estimate": {}},
        "doubtful",
        "the residual of `equation` is 20% of its own terms",
    ),
    ({"shares": {"equation": 0.9}}, "doubtful", "the residual of `equation` is 90% of its own terms"),
    ({"shares": {"equation": float("nan")}, "error_estimate": {}}, "not solved", "residual of `equation` is nan%"),
    ({"misfits": {"observed u": 3.0}}, "doubtful", "measurements `observed u` are missed by 3.0 times their noise"),
    ({"misfits": {"observed u": 41.0}}, "not solved", "measurements `observed u` are missed by 41.0 times their noise"),
    ({"shares": {}}, "doubtful", "residuals on fresh points are not known"),
    (
        {"shares": {"equation": 0.01}, "error_estimate": {"reason": "it is made on boxes only"}},
        "doubtful",
        "there is no estimate of the error (it is made on boxes only)",
    ),
    (
        {"shares": {"equation": 0.01}, "error_estimate": {}},
        "doubtful",
        "no estimate of the error (it was not asked for: `estimate=True`)",
    ),
]


def test_what_residuals_add_up_to_matters_where_no_estimate_tells_more():
    assert judge(run(accumulated={"u": 1e-3}, error_estimate={})).word == "solved"
    assert judge(run(accumulated={"u": 0.5})).word == "solved"
    assert judge(run(accumulated={"u": 1e-3}, error_estimate=estimated(0.1))).word == "doubtful"


def test_a_classical_solution_nearby_stands_for_an_estimate():
    beside = {"errors": {}, "distance": {"u": 1e-4}, "seconds": 1.0, "steps": 1}
    rough = {"shares": {"equation": 0.01}, "error_estimate": {}}
    assert judge(run(classical=beside, **rough)).word == "solved"
    assert judge(run(classical=beside | {"note": "by least squares"}, **rough)).word == "doubtful"
    assert judge(run(classical=beside, shares={"equation": 1.3}, error_estimate={})).word == "doubtful", "a corner"
    assert judge(run(classical=beside | {"distance": {"u": 0.1}}, **rough)).word == "doubtful"
    assert judge(run(classical=beside | {"distance": {"u": 0.9}}, **rough)).word == "not solved"


@pytest.mark.parametrize(("changes", "word", "reason"), REASONS, ids=[reason for _, _, reason in REASONS])
def test_each_reason(changes, word, reason):
    verdict = judge(run(**changes))
    assert verdict.word == word
    assert any(reason in sentence for sentence in verdict.reasons), verdict.reasons


def test_the_weightiest_reason_comes_first():
    verdict = judge(run(stopped_by="budget", error_estimate=estimated(0.5), shares={"equation": 0.1}))
    assert verdict.word == "not solved"
    assert verdict.reasons[0] == "the estimated error of u is 5.0e-01"
    assert len(verdict.reasons) == 3


def test_what_is_large_in_few_places_is_doubtful():
    wild = {"shares": {"equation": 0.9, "neumann u": 1e-3}, "error_estimate": {}}
    assert judge(run(**wild, medians={"equation": 0.4})).word == "not solved"
    few = judge(run(**wild, medians={"equation": 0.01}))
    assert few.word == "doubtful"
    assert few.reasons[0] == "the residual of `equation` is 90% of its own terms, 1% in half of the points"
    seen = wild | {"error_estimate": estimated(0.5, bound=True)}
    assert judge(run(**seen, medians={"equation": 0.01})).word == "doubtful"
    assert judge(run(**seen, medians={})).word == "not solved"
    assert judge(run(**(wild | {"error_estimate": estimated(0.5)}), medians={"equation": 0.01})).word == "not solved"
