"""The documentation as tools for coding agents, by the Model Context Protocol.

Only ``server``, ``endpoint``, ``refusals`` and ``stdio`` need the protocol's own package, the extra
``mcp``.
"""
