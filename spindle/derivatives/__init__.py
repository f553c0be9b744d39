"""How partial derivatives of a network are obtained at points: jets of all coordinates, or one jet an axis."""
