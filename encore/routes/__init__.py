"""The routes of a resource: which there are, and how FastAPI sees them.

Start reading at ``router`` (the generated routes) and ``registration`` (how they are added to the
application); ``custom_actions``, ``links`` and ``nested_resources`` add others.
"""
