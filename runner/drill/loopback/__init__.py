"""Providers that are played: in their own formats, and as slow and as broken as a drill wants them.

exchange.py a request and an answer · server.py the connection · dialect.py, dialects.py the formats
"""
