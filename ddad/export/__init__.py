"""What leaves the program: tables, overlays, and reviewed images in the formats of other tools.

Knows what a model said (`Detection`) and what a person decided (`Reviewed`), not how either came
about; trains and scores nothing.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submodules=["formats"],
    submod_attrs={
        "bundle": ["FORMATS", "write_zip"],
        "render": ["HEAT", "difference", "heat", "overlay"],
        "reviewed": ["Reviewed", "Shape", "find_shapes"],
        "tables": ["escape_cell", "growing_table", "table", "write_table"],
    },
)
