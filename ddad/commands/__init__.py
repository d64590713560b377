"""One module a command: `add` describes its arguments, `run` turns them into an exit code.

Heavy imports wait until a command runs. Knows no equations, and makes no file itself.
"""
