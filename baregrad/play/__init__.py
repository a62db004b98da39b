"""The playground: a local page on which a network is seen learning; ``baregrad play`` opens it."""
