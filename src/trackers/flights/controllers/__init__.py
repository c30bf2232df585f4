"""The endpoints of flight prices, one file per thing; all are for people."""
