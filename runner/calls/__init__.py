"""One question to one or more models, down to the bytes and back.

`route` chooses, `ask` asks (`retry`, then fallbacks), `dispatch` sends and pays within `budget` and
`limits`; what was refused once, `refusals` knows. `transport` sends one request: `compile` has its
form from litellm, which `translate` alone imports, and it goes by `connections`. What comes back
passes by `wire`, is cut up by `events`, read by `dialects`, and is a reply or one of the
`failures`, with the wait (`waits`) that it asks for.
"""
