"""Production and sandbox: how each is marked, and how a sandbox comes, is filled and goes."""
