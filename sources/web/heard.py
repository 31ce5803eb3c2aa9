"""Whether anybody answers at all: a machine without a network must not be taken for a web that has rotted.

Wraps an exchange and counts by host. Only names that cannot be looked up count as silence, and only of several hosts:
one site whose name is gone has moved. Not here: what an answer says.
"""

from collections.abc import Mapping

from pipelines.engine.errors import InputError
from sources.web.exchange import Refused, Response
from sources.web.policy import Exchange
from sources.web.url import Url

LEAST_HOSTS = 3


class Heard:
    """An exchange that remembers who answered."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._unknown: set[str] = set()
        self._is_heard = False

    async def exchange(self, url: Url, headers: Mapping[str, str]) -> Response | Refused:
        """Ask as the wrapped exchange does."""
        answer = await self._exchange(url, headers)
        if isinstance(answer, Refused) and answer.reason == "dns_failed":
            self._unknown.add(url.host)
        else:
            self._is_heard = True
        return answer

    def check(self) -> None:
        """Raise InputError when no name of several could be looked up."""
        if len(self._unknown) >= LEAST_HOSTS and not self._is_heard:
            raise InputError(
                f"none of {len(self._unknown)} hosts could be looked up; this machine seems to have no network, so "
                "nothing can be said of the sources; check the connection and its DNS, then run again"
            )
