"""What an Assistant can do, part by part: each puts one flow to work with the machine's adapters."""
