"""Convex quadratic programmes put together in vectors of rows, and solved by an interior-point method."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Terms = list[tuple["np.ndarray", "np.ndarray"]]
"""Parts of a sum: which variable stands in each row, and its factor there; arrays of shape (n_rows,)."""


class Programme:
    """The least x'Px / 2 + q'x such that rows of A x are at most their bounds.

    Solved by Clarabel (Goulart and Chen, "Clarabel: An interior-point solver for conic programs with quadratic objectives",
    arXiv:2405.12762), deterministically and in time that, for chains of short rows, grows with their number.

    Parameters
    ----------
    size : int
        The number of variables.
    """

    def __init__(self, size: int) -> None:
        import numpy as np

        self.size = size
        self.linear = np.zeros(size)
        self._rows: list[Terms] = []
        self._bounds: list[np.ndarray] = []
        self._squares: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def at_most(self, terms: Terms, bounds: np.ndarray) -> None:
        """Add a row for every bound: the sum of its terms is at most this."""
        self._rows.append(terms)
        self._bounds.append(bounds)

    def add_square(self, first: np.ndarray, a: np.ndarray, second: np.ndarray, b: np.ndarray, weight: float) -> None:
        """Add weight * (a x[first] - b x[second])² to the cost, for every entry of the arrays of shape (n,)."""
        self._squares.append((first, first, 2 * weight * a * a))
        self._squares.append((second, second, 2 * weight * b * b))
        self._squares.append((first, second, -2 * weight * a * b))

    def add_own_square(self, variables: np.ndarray, weights: np.ndarray) -> None:
        """Add weight * x² to the cost."""
        self._squares.append((variables, variables, 2 * weights))

    def minimum(self) -> tuple[np.ndarray, float] | None:
        """The best x, shape (size,), and its cost; None where the rows leave none."""
        import clarabel
        import numpy as np
        from scipy.sparse import csc_matrix, triu

        starts = np.cumsum([0, *map(len, self._bounds)])
        entries = [
            (np.arange(start, start + len(columns)), columns, values)
            for start, terms in zip(starts, self._rows, strict=False)
            for columns, values in terms
        ]
        rows, columns, values = (np.concatenate(part) for part in zip(*entries, strict=True))
        constraints = csc_matrix((values, (rows, columns)), shape=(starts[-1], self.size))
        rows, columns, values = (np.concatenate(part) for part in zip(*self._squares, strict=True))
        # The matrix is symmetric: the solver takes its upper half, in which each mixed product stands once.
        upper = (np.minimum(rows, columns), np.maximum(rows, columns))
        quadratic = triu(csc_matrix((values, upper), shape=(self.size, self.size)), format="csc")
        options = clarabel.DefaultSettings()
        options.verbose = False
        cones = [clarabel.NonnegativeConeT(constraints.shape[0])]
        solver = clarabel.DefaultSolver(
            quadratic, self.linear, constraints, np.concatenate(self._bounds), cones, options
        )
        found = solver.solve()
        if str(found.status) not in ("Solved", "AlmostSolved"):
            return None
        return np.asarray(found.x), float(found.obj_val)
