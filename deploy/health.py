"""Exit code 0 where the page answers: `python deploy/health.py [ADDRESS]`."""

import os
import sys
import urllib.request

port = os.environ.get("GRADIO_SERVER_PORT", "7860")
address = sys.argv[1] if len(sys.argv) > 1 else f"http://127.0.0.1:{port}/config"
try:
    with urllib.request.urlopen(address, timeout=4) as answer:
        sys.exit(0 if answer.status == 200 else 1)
except OSError as error:
    sys.exit(f"{address}: {error}")
