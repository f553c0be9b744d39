"""A model that is enlarged stays the same function; what was decided is enough to do it again."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sympy import Eq, exp, pi, sin

import spindle as spd
from spindle.adaptivity.refinements import FullTensor, ResizeBasis
from spindle.gallery.registry import gallery
from spindle.lowering.incompatible_faces import incompatible_faces
from spindle.training import loop, memory
from spindle.training.precision import precision

t, x, y = spd.coordinates("t x y")
u = spd.unknown("u", t, x)


def wave():
    """Periodic along x: the waves of that axis are numbered differently from polynomials."""
    exact = sin(2 * pi * (x - t))
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}), equations=[u.diff(t) + u.diff(x)],
        conditions=[spd.Initial(u, exact.subs(t, 0)), spd.Periodic(u, x), spd.Periodic(u.diff(x), x)],
        reference={u: exact}, name="wave",
    )  # fmt: skip


def grown(problem, widths, **settings):
    plan = spd.SPINN(**settings).plan(problem)
    model = plan.build(jax.random.PRNGKey(0))
    growths = [stage.refine for stage in plan.schedule.stages if stage.refine]
    every, finer = growths[-5], growths[-4]
    assert isinstance(every, FullTensor)
    assert isinstance(finer, ResizeBasis)
    first = every.apply(model, {"widths": None, "afresh": False})
    return model, first, finer.apply(first, widths)


@pytest.mark.parametrize(("problem", "widths"), [(wave(), (30, 31)), (gallery("poisson2d"), (40, 30))])
def test_growing_keeps_the_function(problem, widths, float64):
    points = jnp.asarray(np.random.default_rng(0).uniform(0, 1, (50, 2)))
    with precision("float64"):
        start, first, second = grown(problem, widths)
        values = start.field(points)
        np.testing.assert_allclose(first.field(points), values, rtol=1e-9, atol=1e-9 * float(jnp.abs(values).max()))
        np.testing.assert_allclose(second.field(points), values, rtol=1e-9, atol=1e-9 * float(jnp.abs(values).max()))
        assert second.field.core.shape[1:] == widths


@pytest.mark.slow
def test_what_is_resolved_shrinks_and_what_is_not_grows(float64):
    """Along t the solution is of degree one; along x it has a layer that 24 polynomials do not resolve."""
    layer = exp(-200 * (x - 0.4) ** 2)
    problem = spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}), equations=[Eq(u.diff(t), layer)], conditions=[spd.Initial(u, layer)],
        reference={u: layer * (1 + t)}, name="layer",
    )  # fmt: skip
    solution = spd.solve(problem, spd.SPINN(rank="full", width=(12, 24), refine=3), progress=False)
    widths = solution.model.field.core.shape[1:]
    assert widths[0] < 12 and widths[1] > 40
    assert solution.error() < 1e-8
    assert any("features changed to" in sentence for sentence in solution.record()["choices"])


@pytest.mark.slow
def test_a_grown_solution_is_stored_and_read(tmp_path):
    """exp(-4 (x - t)^2 ..) is no short sum of products: the ladder ends with a coefficient for every product."""
    exact = exp(-((3 * x - 2 * t) ** 2)) * (1 + x)
    problem = spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}), equations=[Eq(u.diff(t), exact.diff(t))],
        conditions=[spd.Initial(u, exact.subs(t, 0))], reference={u: exact}, name="ridge",
    )  # fmt: skip
    solution = spd.solve(problem, out=tmp_path / "run", progress=False)
    assert solution.model.field.core is not None
    assert solution.error() < 1e-9
    again = spd.load(tmp_path / "run")
    nodes = np.random.default_rng(0).uniform(size=(20, 2))
    np.testing.assert_array_equal(again.evaluate(nodes), solution.evaluate(nodes))
    assert again.record()["choices"] == solution.record()["choices"]


@pytest.mark.slow
def test_interrupted_in_a_grown_phase_it_continues_exactly(tmp_path):
    """The checkpoint knows what was decided: the same numbers as without the interruption."""
    import signal

    exact = exp(-((3 * x - 2 * t) ** 2)) * (1 + x)
    problem = spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}), equations=[Eq(u.diff(t), exact.diff(t) + 0.1 * (u**2 - exact**2))],
        conditions=[spd.Initial(u, exact.subs(t, 0))], reference={u: exact}, name="ridge",
    )  # fmt: skip
    method = spd.SPINN(rank="full", width=(10, 10), refine=2)
    whole = spd.solve(problem, method, progress=False)
    assert len(whole.run.grown) >= 1
    first = whole.run.grown[0]["phase"]
    seen = []

    def stop(record, total):
        seen.append(record.step)
        if len(seen) > 1 and record.loss < 0.5 * seen_losses[0] and not stopped:
            stopped.append(record.step)
            signal.raise_signal(signal.SIGINT)
        seen_losses.append(record.loss)

    seen_losses, stopped = [], []
    part = spd.solve(problem, method, out=tmp_path / "run", callbacks=[stop], progress=False)
    assert part.run.stopped_by == "interrupted" and first >= 1
    rest = spd.resume(tmp_path / "run", progress=False)
    leaves = [jax.tree.leaves(eqx.filter(s.model, eqx.is_inexact_array)) for s in (whole, rest)]
    for one, other in zip(*leaves, strict=True):
        np.testing.assert_array_equal(one, other)
    assert rest.run.grown == whole.run.grown


def test_full_coefficients_need_frozen_features():
    with pytest.raises(spd.MethodError, match="asks for coefficients of all products of frozen features"):
        spd.SPINN(rank="full", network="mlp").plan(wave())


def test_walls_that_clash_with_the_initial_data_are_found():
    names = [wall.name for wall in incompatible_faces(gallery("diffusion3d"))]
    assert names == ["x=-1"], "the bumps reach 9.4e-3 there, and less than a hundredth of their height elsewhere"
    assert incompatible_faces(gallery("klein_gordon3d")) == []
    plan = spd.SPINN().plan(gallery("diffusion3d"))
    assert any("count less near x=-1" in sentence for sentence in plan.choices)


@pytest.mark.slow
def test_what_would_not_fit_into_the_memory_is_not_tried(monkeypatch, tmp_path):
    """The model before is the result, with a sentence; where not even that fits, there is nothing but the sentence."""
    exact = exp(-((3 * x - 2 * t) ** 2))
    problem = spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}), equations=[Eq(u.diff(t), exact.diff(t))],
        conditions=[spd.Initial(u, exact.subs(t, 0))], reference={u: exact},
    )  # fmt: skip
    method = spd.SPINN(rank="auto", width=12, newton_steps=8)
    looked = []

    def small(compiled):
        looked.append(compiled.memory_analysis().temp_size_in_bytes)
        return "30 GiB of memory, of which this machine has 24" if len(looked) == 2 else ""

    monkeypatch.setattr(loop, "excess", small)
    solution = spd.solve(problem, method, progress=False, out=tmp_path / "run")
    assert len(looked) == 2 and all(looked)
    assert not solution.run.grown
    assert any("every product of 12 x 12 features: a step would have taken 30 GiB" in w for w in solution.run.warnings)
    assert np.isfinite(spd.load(tmp_path / "run").error())
    monkeypatch.setattr(memory, "memory_bytes", lambda: 100_000)
    monkeypatch.setattr(loop, "excess", memory.excess)
    with pytest.raises(
        spd.MethodError, match=r"One step of Gauss-Newton would take about 1 MiB of memory, .*; lower `p"
    ):
        spd.solve(problem, method, progress=False)
