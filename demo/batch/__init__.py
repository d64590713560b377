"""The tab of many images: files in, a table as they are scored, one threshold, figures, a ZIP.

Knows the visitor's whole queue; nothing of the canvas, which one image is opened on.
"""
