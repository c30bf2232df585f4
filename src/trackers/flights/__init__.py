"""Flight prices: the price of a trip over time, fetched from Google Flights every six hours by default, or entered.

Google offers no API and restricts automated access, so `google_flights` is off until the operator turns it on
(`TRACKERS_FLIGHTS_ENABLED`); `manual` always works. The engine fetches a query (route, dates, travellers, cabin,
currency), and all watches with the same query share it. A trip and its watches are private to one person.
"""
