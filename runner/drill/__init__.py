"""A fault drill: a configured chain as it is, on loopback providers that fail on purpose.

faults.py what can go wrong · clock.py time · stage.py the providers, loopback/ how they speak ·
rehearsal.py what the chain did · result.py that, held against the requirements
"""
