"""Where residuals are taken: rules for one axis, tensor lattices, and clouds of points."""
