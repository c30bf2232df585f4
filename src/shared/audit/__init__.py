"""Who did what (the audit log: every mutating request) and what happened to what (the activity log).

Both are written in the transaction of the change that they tell of; what changed nothing is written on its own.
"""
