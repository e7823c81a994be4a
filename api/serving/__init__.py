"""The server process around the app: how many connections it holds and how it ends.

``encore.server.server`` joins these parts with granian; the app itself knows nothing of them.
"""
