"""Events, written in the transaction of the change that they tell of, and relayed at least once."""
