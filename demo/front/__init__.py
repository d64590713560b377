"""What a request passes before it reaches the page: the door, its pace, and turns at the model.

Knows addresses, headers and sizes; nothing of images or sessions.
"""
