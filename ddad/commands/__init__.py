"""One module a command: its first line is what the helps say; `add` its arguments, `run` its work.

Knows no equation; heavy imports wait until a command runs.
"""
