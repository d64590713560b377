"""What a visitor's decisions say of the threshold, and which one to take.

Knows the decisions, not how they were made; changes a threshold when a person presses the button.
"""
