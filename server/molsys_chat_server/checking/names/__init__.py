"""Checking the names that an answer uses against what the documentation knows.

:class:`~molsys_chat_server.checking.names.checker.NameChecker` is all that others need.
"""
