"""Flight prices: what a trip costs from day to day, from Google Flights or typed in, every six hours by default.

Google offers no API and restricts automated access, so `google_flights` is off until the operator turns it on
(`TRACKERS_FLIGHTS_ENABLED`); `manual` always works. What is fetched is a query (route, dates, travellers, cabin,
currency), shared by every watch that asks the same; a trip and its watches are one person's and nobody else's.
"""
