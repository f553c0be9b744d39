"""Points where the residual is: residual-based adaptive sampling for networks that are trained on clouds.

Of ten times as many random points as are wanted, a point x is taken with a probability that grows with the residual r,

    p(x)  ~  |r(x)|^k / mean |r|^k  +  c.

Source: Wu, Zhu, Tan, Kartha & Lu (2023), Comput. Methods Appl. Mech. Eng. 403, arXiv 2207.10289.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from spindle.objective.objective import Drawn, Objective
from spindle.training.redrawing import Redrawing

_CANDIDATES = 10  # for each point that is wanted
_PORTIONS = 10  # in which the points of "rar-d" give way


@dataclass(frozen=True)
class AdaptiveRule:
    """A published rule.

    power      k above
    evenly     c above
    replaced   the share of the points that it draws; the others stay where they are
    at_once    whether it draws all of these each time, or a tenth of them, the oldest first
    """

    power: float
    evenly: float
    replaced: float
    at_once: bool


# Both with the exponents and shares that their authors recommend. RAR-D is published as a set that grows; here as many
# points give way as come, so that no program is compiled anew.
ADAPTIVE: Mapping[str, AdaptiveRule] = {
    "rad": AdaptiveRule(power=1.0, evenly=1.0, replaced=1.0, at_once=True),
    "rar-d": AdaptiveRule(power=2.0, evenly=0.0, replaced=0.5, at_once=False),
}


@dataclass(frozen=True)
class PointsByResidual(Redrawing):
    """Draws the points of each residual anew where that residual is large.

    objective    what is trained
    candidates   the same residuals on fresh random points
    rule         how points are chosen among these

    Measurements stay where they are, and points that stand for panels between breaks of the data are drawn evenly.
    """

    objective: Objective
    candidates: Objective
    rule: AdaptiveRule

    def redrawn(self, model, drawn: Drawn, key, turn) -> Drawn:
        """The points anew, for about as many evaluations of the residuals as there are candidates."""
        of_points, of_choice = jax.random.split(key)

        def tried(key):
            fresh = self.candidates.draw(key, drawn.carried)
            values = self.candidates.evaluate(model, fresh)
            return fresh.points, [jnp.abs(value) for arrays in values.values() for value in arrays]

        pools, sizes = jax.lax.map(tried, jax.random.split(of_points, _CANDIDATES))
        points = list(drawn.points)
        pieces = [piece for residual in self.objective.residuals for piece in residual.pieces]
        for number, (piece, size) in enumerate(zip(pieces, sizes, strict=True)):
            supports = [term.support for term in piece]
            if all(self._movable(support) for support in supports):
                chosen = self._chosen(jax.random.fold_in(of_choice, number), size.ravel(), len(points[supports[0]]))
                for support in supports:
                    pool = pools[support].reshape(-1, pools[support].shape[-1])
                    points[support] = self._replaced(points[support], pool[chosen], turn)
        return self.objective.with_coefficients(tuple(points), drawn.carried)

    def _movable(self, support: int) -> bool:
        points = self.objective.derivatives.points
        measured = points.supports[support].measured is not None
        return not measured and points.size(support) > 1 and points.weights(support) is None

    def _chosen(self, key, residuals, points: int) -> jax.Array:
        """The numbers of the candidates that are taken, each once."""
        density = jnp.nan_to_num(residuals, posinf=0.0) ** self.rule.power
        mean = jnp.mean(density)
        density = density / jnp.where(mean > 0, mean, 1.0) + jnp.maximum(self.rule.evenly, 1e-12)
        wanted = self._count(points)
        return jax.random.choice(key, len(density), (wanted,), replace=False, p=density / jnp.sum(density))

    def _count(self, points: int) -> int:
        """How many of so many points are drawn at a time."""
        share = self.rule.replaced * points
        return max(1, int(share if self.rule.at_once else share / _PORTIONS))

    def _replaced(self, points, drawn, turn):
        """The points, of which the last ones, or the oldest of them, give way."""
        kept, count = len(points) - max(1, int(self.rule.replaced * len(points))), len(drawn)
        places = kept + (jnp.arange(count) + (turn - 1) * count) % (len(points) - kept)
        return points.at[places].set(drawn)
