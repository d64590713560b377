"""One module a format, all of the shape in `form`: what an image puts into the ZIP, what the set.

`ddad.export.bundle` lists and drives them. Nothing here opens a file.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "coco": ["Coco"],
        "form": ["Entry", "Format", "Whole"],
        "label_studio": ["LabelStudio"],
        "labelme": ["Labelme"],
        "maps": ["Maps"],
        "masks": ["Masks"],
        "mvtec": ["Mvtec"],
        "report": ["Report"],
        "tables": ["Tables"],
        "yolo": ["Yolo"],
    },
)
