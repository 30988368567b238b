"""From outcomes to numbers with intervals, to verdicts, and to the comparison of two runs."""
