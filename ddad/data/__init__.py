"""What comes in as sets: photographs of good and defective parts, their true masks, archives.

Decodes by way of `ddad.images`; knows nothing of models or scores.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "archive": ["ArchiveError", "Limits", "extract"],
        "coco": ["read_coco"],
        "datasets": [
            *("DatasetError", "Sample", "hold_out", "labelled", "normals", "read", "summary"),
        ],
        "photographs": ["Finding", "Intake", "look_over"],
        "truth": ["Imported", "MaskError", "Target", "digest", "origin", "read_mask"],
    },
)
