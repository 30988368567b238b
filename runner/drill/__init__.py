"""A fault drill: a configured chain as it is, on loopback providers that fail on purpose.

config.py what can go wrong · pace.py time · stage.py the providers · rehearsal.py what the chain
did · result.py that, held against the requirements · report.py the same for people
"""
