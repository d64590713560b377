"""The Train tab: photographs, a look over them, a training in its turn, models of one's own.

Knows how a training is run, as the command line in a process of its own; nothing of how one learns.
"""
