"""How long each kind of data is kept, and taking away what is older.

`terms` says for how long, `classes` what belongs to a kind, `purge` takes away and counts again.
"""
