"""The page's entry point: `python app.py` on a laptop, `demo` for a Hugging Face Space."""

import os
import signal

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# After each event Gradio would sum up ten thousand before it, in tables that nobody reads here.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
os.environ.setdefault("FORWARDED_ALLOW_IPS", "")  # the door says whose forwarded headers count

from ddad.model.allocator import keep_freed_memory  # noqa: E402
from demo.app import LAUNCH, build  # noqa: E402  after the setting that gradio reads at import

keep_freed_memory()
demo = build(os.environ.get("DDAD_CHECKPOINTS"))

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # closes as Ctrl-C does
    demo.launch(**LAUNCH, inbrowser=os.environ.get("DDAD_BROWSER") == "1")
