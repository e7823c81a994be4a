"""This service: a parts catalog and timesheets, built with ``encore``.

``app`` is the composition root, ``resources`` has one module or package per subject, and
``settings`` the settings that only this service has.
"""
