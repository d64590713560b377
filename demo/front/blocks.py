"""The page as Gradio builds it, with little held of a visit, and for events that no honest page
sends: each is answered in a sentence, and none leaves a traceback in the log."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.blocks import BlocksConfig

NO_SENSE = "this request is not one of the page's: reload it"


class _OfVisit(BlocksConfig):  # type: ignore[misc]
    """The components of one visit, without what each was sent last: Gradio would keep that, half a
    megabyte and more of every visit, for deep links, and write it to disk for who asks for one."""

    @staticmethod
    def config_for_block(*_: Any, **__: Any) -> dict[str, Any]:
        return {}


class _OfPage(BlocksConfig):  # type: ignore[misc]
    """The components of the page, of which each visit gets a copy."""

    def __copy__(self) -> BlocksConfig:
        visit = _OfVisit(self.root_block)
        visit.__dict__.update(vars(super().__copy__()))
        return visit


class Page(gr.Blocks):  # type: ignore[misc]
    """gr.Blocks that takes nothing for granted of what a browser sends, and keeps no more of a
    visit than it needs."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.default_config = _OfPage(self)

    async def process_api(self, block_fn: Any, inputs: Any, *given: Any, **named: Any) -> Any:
        """An event's data is an object, whatever was sent in its place."""
        event = named.get("event_data")
        if event is not None and not isinstance(event._data, dict):
            event._data = {}
        return await super().process_api(block_fn, inputs, *given, **named)

    async def preprocess_data(self, block_fn: Any, *given: Any, **named: Any) -> Any:
        """What components cannot take for a value is refused, and what some take for one."""
        try:
            values = await super().preprocess_data(block_fn, *given, **named)
            for block, value in zip(block_fn.inputs, values, strict=False):
                single = isinstance(block, gr.Dropdown) and not block.multiselect
                if isinstance(block, gr.Number) and not isinstance(value, int | float | None):
                    raise TypeError("a number was wanted")
                if single and isinstance(value, list | dict):
                    raise TypeError("one choice was wanted")
            return values
        except gr.Error as error:
            raise gr.Error(str(error.message), print_exception=False) from None
        except Exception:  # components raise anything on a value of another kind
            raise gr.Error(NO_SENSE, print_exception=False) from None

    async def call_function(self, block_fn: Any, *given: Any, **named: Any) -> Any:
        """An event that the browser alone handles is not called here."""
        known = self.fns.get(block_fn) if isinstance(block_fn, int) else block_fn
        if known is None or known.fn is None:
            raise gr.Error(NO_SENSE, print_exception=False)
        return await super().call_function(block_fn, *given, **named)
