"""The Grafana dashboards, written down once in Python and generated as the JSON files beside it.

``make dashboards`` writes the files again. Nothing at run time needs this package.
"""
