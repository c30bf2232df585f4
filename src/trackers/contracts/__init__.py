"""EVE Online's public contracts, region by region, from the game's own API (ESI); as often as that has a newer state.

A visit to a region sweeps its pages, reads the items of what is new and the bids of its auctions, and finds the ships.
Members search, and watch for what they want to buy.
"""
