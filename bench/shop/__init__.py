"""One piece of work behind three doors: Pergola's, stock django-tenants', plain Django's.

An order of five lines comes in, is judged by the tenant's policy, and is kept with its decision and
an audit entry. What differs between the doors is what the bench `requests` measures.
"""
