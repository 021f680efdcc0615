"""`python -m bench.shouting PORT PATH HEADERS`: a noisy tenant, until it is told to stop.

Prints how often it was refused.
"""

import json
import os
import signal
import sys

from bench.load import post
from bench.shop.example import example

CONNECTIONS = 16
LONGEST = 60.0


def main(port: str, path: str, headers: str) -> None:
    told = False
    refused = 0

    def stop(*_: object) -> None:
        nonlocal told
        told = True

    signal.signal(signal.SIGTERM, stop)
    # A customer's own machine does the sending: here it takes only what the server leaves.
    os.nice(15)
    for _second in range(int(LONGEST)):
        if told:
            break
        load = post(
            int(port),
            path,
            headers=json.loads(headers),
            body=example,
            connections=CONNECTIONS,
            seconds=1.0,
        )
        refused += len(load.of(429))
    print(refused)


if __name__ == "__main__":
    main(*sys.argv[1:])
