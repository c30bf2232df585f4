"""Services of flight prices, one file per group of use cases."""
