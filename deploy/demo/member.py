"""A member who decides through the API, with a session and a CSRF token as a browser has them."""

import time
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from sesame.utils import get_query_string

from deploy.demo.world import Place

TRIES = 5


class MemberClient:
    """Logs in by one-time link on the tenant's host; names under localhost need no resolver."""

    def __init__(self, place: Place) -> None:
        address = urlsplit(place.tenant.portal_url)
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{address.port}",
            headers={"Host": address.netloc},
            timeout=10,
            trust_env=False,
        )
        # A link names the log-in before it, which makes it good for one.
        place.approver.refresh_from_db()
        entered = self._client.get("/accounts/enter/" + get_query_string(place.approver))
        if settings.SESSION_COOKIE_NAME not in self._client.cookies:
            self.close()
            raise AssertionError(f"the one-time link did not log in: {entered.status_code}")
        self._client.get("/approvals/").raise_for_status()

    def decide(self, approval_id: str, decision: str, comment: str) -> httpx.Response:
        """Asked again where the tenant is busy for a moment, after as long as the answer says."""
        for _try in range(TRIES):
            response = self._client.post(
                f"/api/v1/approvals/{approval_id}/decision",
                json={"decision": decision, "comment": comment},
                headers={"X-CSRFToken": self._client.cookies[settings.CSRF_COOKIE_NAME]},
            )
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            time.sleep(min(float(response.headers.get("Retry-After", 1)), 5))
        return response

    def close(self) -> None:
        self._client.close()
