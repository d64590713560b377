"""What more than one tab needs: models on offer, pictures, tables, charts, a session's files.

Knows the store and Gradio, no tab and no event.
"""
