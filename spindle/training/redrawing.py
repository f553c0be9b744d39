"""How points follow the model that is trained on them: what the training loop asks of whoever draws them anew."""

from abc import ABC, abstractmethod
from typing import Any

import jax


class Redrawing(ABC):
    """Draws the points of an objective anew, by a look at the model."""

    @abstractmethod
    def redrawn(self, model, drawn, key: jax.Array, turn: jax.Array) -> Any:
        """What the objective's `draw` returns, on other points, in arrays of the same shapes.

        drawn   the points so far, as the objective drew them
        turn    how often points were drawn before
        """
