"""The cases that ship: what they hold, and what no model deserves a good score for."""
