"""EVE Online's public contracts by region, from the game's own API (ESI), fetched when the API has a newer state.

A fetch of a region sweeps its pages, reads the items of new contracts and the bids of auctions, and finds the ships.
Members search contracts, and watch for what they want to buy.
"""
