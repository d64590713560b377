"""The Inspect tab: one photograph, its maps, the person's decision, the files to take away.

Knows the canvas and what it asks of the server; no other tab and nothing of many images.
"""
