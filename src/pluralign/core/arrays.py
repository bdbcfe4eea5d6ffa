"""Names for the arrays that flow through the package."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
"""An array of floating-point numbers."""
IntArray = npt.NDArray[np.integer]
"""An array of integers."""
BoolArray = npt.NDArray[np.bool_]
"""An array of truth values."""
