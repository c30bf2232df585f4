"""Who follows things: accounts, and the outside identities (a Discord user, say) that belong to them."""
