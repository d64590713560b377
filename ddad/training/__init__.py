"""From photographs of good parts to a model: fit, train, calibrate, rehearse, go on after a stop.

Knows nothing of the page and of the command line.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "plan": ["Plan", "planned_seconds"],
        "fit": ["Vectors", "cross_fit", "cross_fitted", "fit"],
        "feedback": ["add_normals", "keep_for_training"],
        "journal": ["Journal", "read_log", "read_progress"],
        "synthetic": ["paint_defect"],
    },
)
