"""The isolation proof: each guard is taken away in turn, and the matrix has to go red.

`make isolation-proof` runs it. A mutant is a piece of the source and what stands there instead; it
is put in while Python imports the file, so that nothing on disk changes.
"""
