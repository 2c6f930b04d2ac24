"""Whether a packet leaves: commands run where every packet is caught and named, and nothing can get out."""
