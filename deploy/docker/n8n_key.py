"""Sets up n8n's owner and prints an API key: `docker compose run --rm n8n-key`, once."""

import os
import sys

from deploy.embedded.errors import StartFailed
from deploy.embedded.n8n_owner import create_key, has_owner, set_up_owner


def main() -> int:
    url = os.environ["N8N_URL"].rstrip("/")
    email, password = os.environ["N8N_OWNER_EMAIL"], os.environ["N8N_OWNER_PASSWORD"]
    try:
        if not has_owner(url):
            set_up_owner(url, email=email, password=password)
        key = create_key(url, email=email, password=password)
    except StartFailed as error:
        print(error, file=sys.stderr)
        return 1
    print(key)
    print("Give it to Pergola in the admin: n8n instances, Add. It is shown once.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
