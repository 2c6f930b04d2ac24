"""The face: options and commands in ``app``, everything that is seen in ``render``, the conversation in ``repl``."""
