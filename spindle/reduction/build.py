"""From a trained family to one that answers in a millisecond: everything that is decided once, before any query."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.derivatives.pointwise import PointwiseTaylor, pointwise_values
from spindle.lowering.compile import array_function
from spindle.lowering.partials import partials_in
from spindle.lowering.residuals import ResidualForms
from spindle.networks.fields import Field
from spindle.networks.lowrank import FamilyField
from spindle.networks.taylor import closure
from spindle.objective.objective import Objective
from spindle.points.cloud import Cloud
from spindle.points.grid import grid_points, tensor
from spindle.points.query import QueryPoints
from spindle.points.rules import sobol
from spindle.problem.families import coordinate_nodes, family_parameters
from spindle.reduction.adam import fast_path, fine_tuning_path, last_of
from spindle.reduction.batches import over_members, together
from spindle.reduction.convergence import refining
from spindle.reduction.cubature import integrating
from spindle.reduction.interpolation import pod, reduced_network, select
from spindle.reduction.policy import Policy
from spindle.reduction.snapshots import shifted_snapshots, snapshots
from spindle.reduction.truncation import truncated, used_coefficients
from spindle.reduction.tuning import (
    Prior,
    Tuned,
    coefficients_of,
    gauss_newton,
    judged_tuning,
    linearised,
    residual_rows,
    with_coefficients,
)
from spindle.training.precision import precision


@dataclass(frozen=True)
class Reduced:
    """What a query needs besides the trained field.

    full         the trained field, without the coefficients that no member uses
    kept         for each layer the indices of the coefficients in use
    field        the field of the reduced network, or `full` where there is no reduction
    points       for each support points and their weights, by whose residual members are tuned
    check        further points, by whose residual the result of tuning is judged
    prior        directions and sizes of corrections of coefficients
    locality     weight of the prior
    factor       relative error per residual, the largest of the members that were solved to convergence
    facts        numbers for the record
    """

    full: FamilyField
    kept: list[np.ndarray]
    field: FamilyField
    points: list[tuple[np.ndarray, np.ndarray | None]]
    check: list[tuple[np.ndarray, np.ndarray | None]]
    prior: Prior
    locality: float
    factor: float
    facts: dict[str, Any]

    @property
    def choices(self) -> list[str]:
        """Sentences for the record: what was decided, and why."""
        neurons = "-".join(map(str, self.facts["neurons"]))
        ranks = "-".join(map(str, self.facts["ranks"]))
        tried, spread = "gap_residual" in self.facts, self.facts["factors"]
        if tried and self.facts.get("reduced", True):
            gap = f"its residual is within {self.facts['gap_residual']:.0%} of the whole network's"
            first = f"members are tuned on a reduced network of {neurons} neurons: {gap}"
        else:
            first = f"members are tuned on the whole network of {neurons} neurons"
            first += ", of which bases as fine as its residual would need nearly all" * tried
        last = ", and a last layer of their own" if self.full.free_last else ""
        return [
            f"{first}; ranks {ranks}, {self.facts['directions']} directions, {self.facts['points']} points{last}",
            f"tuning leaves {self.facts['gain']:.0%} of the residual on members that were not trained on",
            f"estimated errors are {self.factor:.2g} times the residual, the largest factor of {len(spread)} members "
            f"solved to convergence (smallest {min(spread):.2g})",
        ]


class Reduction:
    """Reduces the trained field of one problem; see `reduce` and `query`.

    forms      the residuals
    s          the method with a value for every setting
    weights    {residual: its weight in the loss}
    small      whether queries are solved on a reduced network
    policy     what is decided by where there is no setting
    """

    def __init__(
        self,
        forms: ResidualForms,
        settings: Any,
        weights: Mapping[str, float],
        *,
        small: bool,
        policy: Policy | None = None,
    ):
        self.forms, self.s, self.policy = forms, settings, policy or Policy()
        self.problem, self.constraints = forms.problem, forms.constraints
        self.weights, self.small = dict(weights), small

    def query(self, reduced: Reduced) -> Callable:
        """The function mu (q, p) -> `Tuned` of NumPy arrays, compiled for each number q of members.

        Queries run in single precision: residuals of a trained family are far above its rounding, and time is halved.
        """
        with precision("float32"):
            small, full, prior = _as_single((reduced.field, reduced.full, reduced.prior))
            tune = self.tuning(small, self.objective(reduced.points), prior)
            check, weights = self.objective(reduced.check), self._loss_weights()
            one = judged_tuning(tune, full, check, weights, guard=self.s.guard)
            locality = jnp.asarray(reduced.locality)

        compiled = over_members(lambda row: one(row, locality), reduced.full)

        def many(mu):
            with precision("float32"):
                return Tuned(*(np.asarray(part, float) for part in compiled(np.asarray(mu, np.float32))))

        return many

    def reduce(self, trained: Field) -> Reduced:
        """The reduced family: coefficients, network, points, prior and its weight, decided once before any query."""
        assert isinstance(trained, FamilyField)
        low, high = np.array([self.problem.domain.bounds[k] for k in trained.axes[1]]).T
        sample, other = self._sample(low, high), sobol(low, high, 32, seed=1)
        kept = self._kept(trained, sample, other)
        field = replace(truncated(trained, kept), free_last=self._frees_last(trained))
        prior = self._prior(field, sample[: len(sample) // 4]) if self._needs_prior else _no_prior(field)
        facts: dict[str, Any] = {"ranks": list(field.network.ranks), "directions": len(prior.sizes)}
        small, gaps = self._small(field, sample, prior) if self.small else (field, {})
        facts |= gaps | {"neurons": [small.network.first.weight.shape[1], *(len(h.left) for h in small.network.hidden)]}
        points = self.query_points(small, field, prior, sample[:24])
        check = self.random(self.s.check_points, 1)
        locality, gain = self._locality(small, field, points, check, prior, other)
        facts |= {"points": sum(len(p) for p, _ in points), "locality": locality, "gain": gain}
        reduced = Reduced(field, kept, small, points, check, prior, locality, 1.0, facts)
        facts["factors"] = self._calibrate(reduced, other[: self.s.calibration])
        return replace(reduced, factor=max(facts["factors"]))

    def _sample(self, low, high) -> np.ndarray:
        """The parameters (q, p) at which coefficients are looked at, in no order."""
        if not isinstance(self.s.members, tuple):
            return sobol(low, high, self.s.members, seed=0)
        rows = tensor([np.linspace(*ends) for ends in zip(low, high, self.s.members, strict=True)])
        return np.random.default_rng(0).permutation(rows)

    @property
    def _needs_prior(self) -> bool:
        """Whether a query is told by the corrections that members need: in its directions, or in its points."""
        if self.s.phase == "published":
            return not isinstance(self.s.query_points, tuple)
        return self.s.phase == "gauss-newton"

    def query_points(self, small, field, prior, members) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """Where a query looks at the equation, for each support: as the settings say."""
        if self.s.phase == "fine-tuning":
            return self.trained_points()
        if isinstance(self.s.query_points, tuple):
            return self._on_grid(self.s.query_points)
        return self._cubature(small, field, prior, members)

    def _on_grid(self, counts, inside: int | None = None, *, wrapped: bool = False):
        nodes = coordinate_nodes(self.problem, counts, f"a grid of {'x'.join(map(str, counts))}", wrapped=wrapped)
        return [(points, None) for points in grid_points(self.forms.supports, nodes, inside)]

    def trained_points(self) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """As many points as one member was trained at, and the same ones where these came from a grid."""
        return (
            self._on_grid(self.s.lattice, self.s.points, wrapped=True)
            if self.s.lattice
            else self.random(self.s.points, 8)
        )

    def _frees_last(self, field) -> bool:
        """Whether members have separate last layers: where these are thin, and the published phase knows none."""
        thin = len(field.network.last.weight) <= self.policy.thin_layer
        return self.s.unfreeze and self.s.phase == "gauss-newton" and thin

    def _kept(self, field, sample, unseen) -> list[np.ndarray]:
        """For each layer the indices of coefficients that any member uses, of the sample or not."""
        used = [used_coefficients(field, members, self.policy.idle) for members in (sample, unseen)]
        return [np.union1d(a, b) for a, b in zip(*used, strict=True)]

    def tuning(self, field, objective, prior) -> Callable:
        """The function (start, mu, locality) -> coefficients, by the phase that the settings name."""
        if self.s.phase == "gauss-newton":
            return gauss_newton(field, objective, self._loss_weights(), prior, self.s.tuning_steps)
        return last_of(self.path(field, objective))

    def path(self, field, objective) -> Callable:
        """The function (start, mu, locality) -> all coefficients on the way, of a phase by Adam."""
        weights = self._loss_weights()
        if self.s.phase == "fine-tuning":
            return fine_tuning_path(field, objective, weights, steps=self.s.tuning_steps)
        # The published code computes the term of periodicity, and does not add it.
        around = {c.name for c in self.problem.conditions if c.role.periodic}
        kept = {name: jnp.zeros_like(w) if name in around else w for name, w in weights.items()}
        return fast_path(field, objective, kept, steps=self.s.tuning_steps)

    def _loss_weights(self) -> dict[str, jax.Array]:
        return {name: jnp.asarray(w) for name, w in self.weights.items()}

    def objective(self, chosen) -> Objective:
        """The objective on these points of each support, at parameters that come with a query."""
        columns = [self.problem.coordinates.index(p) for p in family_parameters(self.problem)]
        points = QueryPoints(self.forms.supports, chosen, columns)
        return Objective(self.forms, PointwiseTaylor(points, self.forms.needs), faces=self.s.faces)

    def random(self, interior: int, seed: int) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """For each support random points (n, d), and None for their weights, which are equal."""
        boundary = max(4, interior // 4)
        cloud = Cloud(self.forms.supports, self.forms.groups, interior=interior, boundary=boundary, rule="random")
        return [(np.asarray(points), None) for points in cloud.draw(jax.random.PRNGKey(seed))]

    def _prior(self, field: FamilyField, members: np.ndarray) -> Prior:
        """Principal directions of the corrections that members need, all coefficients free and points many."""
        count = len(coefficients_of(field, jnp.asarray(members[0])))
        free = Prior(jnp.eye(count), jnp.ones(count))
        objective = self.objective(self.random(min(8 * count, 512), 2))
        weights = self._loss_weights()
        tune = gauss_newton(field, objective, weights, free, 4)

        @partial(over_members, wide=field)
        def correction(mu):
            start = coefficients_of(field, mu)
            size = jnp.sum(residual_rows(objective, with_coefficients(field, start), mu, weights) ** 2)
            return tune(start, mu, 1e-3 * size) - start

        corrections = np.asarray(correction(jnp.asarray(members)))
        _, values, right = np.linalg.svd(corrections, full_matrices=False)
        energy = np.cumsum(values**2) / np.sum(values**2)
        keep = min(self.s.directions, int(np.searchsorted(energy, 0.999)) + 1, len(values))
        return Prior(jnp.asarray(right[:keep].T), jnp.asarray(values[:keep] / np.sqrt(len(members))))

    def _small(self, field, sample, prior) -> tuple[FamilyField, dict]:
        """The reduced network's field, its bases as fine as the residual asks for, and its distance from `field`."""
        matrices = self._snapshots(field, sample, prior)
        full = self._reduced_residuals(field, field, sample[:16])
        tolerance = self.s.tolerance or self.policy.coarsest_basis
        while True:
            small = self._with_bases(field, matrices, tolerance)
            gap_u, gap_r = self._gaps(field, small, sample[:16], full)
            facts = {"basis_tolerance": tolerance, "gap_values": gap_u, "gap_residual": gap_r}
            if self.s.tolerance or self.s.neurons or gap_r < self.policy.faithful:
                return small, facts
            if len(small.network.hidden[-1].left) > self.policy.widest * len(field.network.hidden[-1].left):
                return field, facts | {"reduced": False}  # a network so narrow is not reduced
            tolerance *= self.policy.basis_ratio

    def _snapshots(self, field, sample, prior) -> list[np.ndarray]:
        """Hidden states at random points of all members, each with a correction of the size of the prior."""
        rng = np.random.default_rng(0)
        points, repeated = self._snapshot_points(field, sample)
        base = np.concatenate([np.asarray(s) for s in field.coefficients_at(jnp.asarray(repeated))], axis=1)
        moves = rng.normal(size=(len(repeated), len(prior.sizes))) * np.asarray(prior.sizes)
        moves[::2] = 0.0
        coefficients = base + moves @ np.asarray(prior.directions).T[:, : base.shape[1]]
        split = np.split(coefficients, np.cumsum(field.network.ranks)[:-1], axis=1)
        if self.s.snapshots == "shifted":
            return shifted_snapshots(field, points, split)
        expressions = [self.constraints.lifted(e, self.problem.coordinates) for e in self.problem.expressions()]
        orders = [p.orders for p in partials_in(expressions, self.problem.unknowns, self.problem.coordinates)]
        return snapshots(field, points, split, closure(orders, len(self.problem.coordinates)))

    def _snapshot_points(self, field, sample) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, d) at which states are taken, all those of a member together, and their parameters (n, p)."""
        counts = self.s.snapshot_points
        if isinstance(counts, tuple):
            each = tensor(coordinate_nodes(self.problem, counts, f"snapshot_points={counts}"))
            repeated = np.repeat(sample, len(each), axis=0)
            points = np.tile(each, (len(sample), 1))
        else:
            bounds = np.array(self.problem.domain.bounds)
            repeated = np.repeat(sample, counts, axis=0)
            points = sobol(bounds[:, 0], bounds[:, 1], len(repeated), seed=3)
        points[:, list(field.axes[1])] = repeated
        return points, repeated

    def _with_bases(self, field, matrices, tolerance) -> FamilyField:
        most = self.s.neurons
        rule = self.s.selection
        selections = []
        for matrix in matrices:
            basis = pod(matrix, tolerance, most)
            selections.append(select(basis, rule))
        return eqx.tree_at(lambda f: f.network, field, reduced_network(field.network, selections))

    def _reduced_residuals(self, small, full, members) -> tuple[np.ndarray, np.ndarray]:
        """Values and residual rows of members by the network `small`, coefficients from the hypernetwork."""
        objective = self.objective(self.random(64, 4))
        weights = self._loss_weights()

        @partial(over_members, wide=full)
        def both(mu):
            s = coefficients_of(full, mu)
            field = with_coefficients(small, s)
            drawn = objective.draw(mu)
            return field(drawn.points[0][0]), residual_rows(objective, field, mu, weights)

        return both(jnp.asarray(members))

    def _gaps(self, field, small, members, reference) -> tuple[float, float]:
        """Relative differences between the two networks: of values, and of residuals."""
        reduced = self._reduced_residuals(small, field, members)
        gaps = [float(jnp.linalg.norm(a - b) / jnp.linalg.norm(b)) for a, b in zip(reduced, reference, strict=True)]
        return gaps[0], gaps[1]

    def _cubature(self, small, field, prior, members) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """Points of a query: chosen by empirical cubature inside, a few random ones elsewhere."""
        candidates = self.random(self.policy.candidates, 5)
        objective = self.objective(candidates)
        wanted = self.s.query_points or 3 * len(prior.sizes) + 4
        residuals, slopes = linearised(objective, small, field, prior, members)
        chosen, piece = list(candidates), 0
        for r in objective.residuals:
            for terms in r.pieces:
                indices, weights = integrating(residuals[piece], slopes[piece], wanted)
                for term in terms:
                    chosen[term.support] = (candidates[term.support][0][indices], weights)
                piece += 1
        return chosen

    def _locality(self, small, full, points, check, prior, members) -> tuple[float, float]:
        """The weight of the prior with which members gain most, by the full residual at unseen points; the gain."""
        tune = self.tuning(small, self.objective(points), prior)
        one = judged_tuning(tune, full, self.objective(check), self._loss_weights(), guard=self.s.guard)
        members = members[: self.s.calibration] if self.s.phase == "fine-tuning" else members
        many = jax.jit(lambda mu, c: jax.lax.map(lambda row: one(row, c), mu, batch_size=together(full)))
        alone = np.float64(1e30)  # of the type of the candidates, so that one program is compiled for all
        start = np.asarray(many(jnp.asarray(members), alone).start)
        candidates = np.array(self.policy.localities) * float(np.mean(start**2))
        if self.s.phase == "published":
            candidates = np.array(self.policy.published_localities)
        elif self.s.phase == "fine-tuning":
            candidates = np.zeros(1)  # it knows no such weight
        gains = [np.mean(np.log(np.asarray(many(jnp.asarray(members), c).residual) / start)) for c in candidates]
        best = int(np.argmin(gains))
        return float(candidates[best]), float(np.exp(gains[best]))

    def _calibrate(self, reduced: Reduced, members) -> list[float]:
        """The relative error per residual of each member; true ones are trained to convergence."""
        objective = self.objective(self.random(self.s.refine_points, 6))
        full, weights, query = reduced.full, self._loss_weights(), self.query(reduced)
        bases = sum(leaf.size for leaf in jax.tree.leaves(full.network)) <= self.policy.refined
        refine = refining(full, objective, weights, bases=bases)
        bounds = np.array(self.problem.domain.bounds)
        points = jnp.asarray(sobol(bounds[:, 0], bounds[:, 1], 512, seed=7))
        answers = query(members)
        factors = []
        for k, mu in enumerate(jnp.asarray(members)):
            at = points.at[:, jnp.asarray(full.axes[1])].set(mu)
            quick = self.values(with_coefficients(full, jnp.asarray(answers.coefficients[k])), at)
            true = self.values(refine(mu), at)
            factors.append(float(jnp.linalg.norm(quick - true) / jnp.linalg.norm(true) / answers.residual[k]))
        return factors

    def values(self, field, points):
        """The unknowns at points (n, d), one after the other, with what conditions add."""
        columns = [points[:, k] for k in range(points.shape[1])]
        values = []
        for u in self.problem.unknowns:
            lifted = self.constraints.lifted(u, self.problem.coordinates)
            function = array_function(lifted, self.problem.coordinates, self.problem.unknowns)
            values.append(function(columns, pointwise_values(field, points, function.needs)))
        return jnp.concatenate(values)


def _no_prior(field: FamilyField) -> Prior:
    """No directions at all, of a phase that changes every coefficient."""
    count = sum(field.network.ranks)
    return Prior(jnp.zeros((count, 0)), jnp.zeros(0))


def _as_single(tree):
    """All arrays in single precision; to be called where that is the precision."""
    return jax.tree.map(lambda a: jnp.asarray(np.asarray(a, np.float32)) if eqx.is_inexact_array(a) else a, tree)
