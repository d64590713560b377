"""A browser's key, as a request carries it."""

from __future__ import annotations

import secrets
from types import SimpleNamespace

from demo.front.door import COOKIE


def keyed(store, key=None):
    """A session of the store, and a request from the browser that may open it."""
    key = key or secrets.token_hex(32)
    return store.enter(key), SimpleNamespace(cookies={COOKIE: key})
