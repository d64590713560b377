"""What is kept: the detector, its folder, its ZIP, its card; and how it runs on this machine.

Knows nothing of data sets, of training or of the tables that come out.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "detector": ["Detector"],
        "detection": ["Detection", "ScaleMap"],
        "checkpoint": ["CheckpointError", "find_checkpoint", "list_checkpoints"],
        "package": ["checkpoint_zip", "load_checkpoint_zip", "push"],
        "card": ["Estimate", "promise", "write_card"],
        "runtime": ["pick_device"],
    },
)
