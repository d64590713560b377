"""Many images: a folder's at once, on many machines, or as they appear.

Knows files and tables; what a score or a restoration is, the folders below know.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "batch": ["score_file", "score_files"],
        "cluster": ["Pool", "score_on_ray"],
        "outputs": ["plan_outputs"],
        "restore": ["restore_files"],
        "watch": ["Ledger"],
    },
)
