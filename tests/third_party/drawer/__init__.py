"""A ticket system that is a drawer: a folder with one JSON file a ticket.

A ticket has its ``text``, its ``files`` (``name``, ``media_type`` and ``content`` in Base64) and its ``history``: what
was done ``at`` a time ``by`` somebody, oldest first. The system itself is ``system``; everybody else is human.
"""
