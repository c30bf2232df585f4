"""Who did what (the audit log: every mutating request) and what happened to what (the activity log).

Both are written in the transaction of the change that they tell of; a request that changed nothing, or opened
transactions of its own (logging in), is written on its own before it is answered.
"""
