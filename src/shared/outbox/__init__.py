"""Events: written in the transaction of the change, and relayed at least once."""
