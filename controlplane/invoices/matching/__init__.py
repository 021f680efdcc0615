"""Purchase order, goods receipt and invoice held against each other. Pure: no database, no Django.

`engine.match` is the way in; what it is given is in `papers`, what it answers in `result`.
"""
