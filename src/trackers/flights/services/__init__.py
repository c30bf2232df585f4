"""The rules of flight prices, a file per group of use cases."""
