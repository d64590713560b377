"""Below the desk: the part as it should have been, on request.

Knows the image on the desk and how to restore it; not how it is scored or reviewed.
"""
