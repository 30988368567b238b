"""How an answer's code is tried.

answer_code  which code of an answer is run
free_names   what of the tests is sure not to depend on the code
halves       the tests in two: beside the code, and what it is held against
trial        START HERE: one answer, its two processes and what ends them
sandbox      what shuts them in, and the words for what does not hold
limits values code_side judge_side   what runs inside, and imports nothing else of the package
"""
