"""The flows: ports in, events out. Everything that takes time is one of them."""
