"""One store of a visitor's work: SQLite and files, one key, one expiry, one quota.

Knows what is kept and when it goes; nothing of the page, of scoring or of how a training runs.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "records": ["Item", "StoreError", "Training"],
        "session": ["Session"],
        "store": ["Store"],
    },
)
