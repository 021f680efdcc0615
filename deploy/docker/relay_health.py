"""Whether the relay of this container hangs on the database's bell; exits 1 if it does not.

The relay holds one connection that listens for new messages. The server knows it by this
container's address, which the checking connection shares.
"""

import os
import sys

import psycopg

LISTENING = """
    SELECT EXISTS (
        SELECT FROM pg_stat_activity
        WHERE usename = current_user
          AND client_addr = inet_client_addr()
          AND query LIKE 'LISTEN %'
    )
"""


def main() -> int:
    try:
        with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
            row = connection.execute(LISTENING).fetchone()
    except psycopg.Error as error:
        print(f"The database does not answer: {error}", file=sys.stderr)
        return 1
    return 0 if row and row[0] else 1


if __name__ == "__main__":
    sys.exit(main())
