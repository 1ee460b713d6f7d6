# Copyright 2026 The fdr_node authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""A rclpy context for nodes in the test's own process, in a domain that nobody else listens in."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
import random
import socket
from typing import TYPE_CHECKING

import rclpy
from rclpy.context import Context

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Above 101 the ports of DDS reach into those that Linux hands out by itself.
DOMAIN_MAX = 101

# The ports of UDP that DDS gives a domain. Its participants have the first in common, unless they
# keep to this computer, and each has one of those from the eleventh on. The third is nobody's, and
# stands here for a domain that is given out.
_FIRST_PORT, _PORTS_OF_DOMAIN = 7400, 250
_PARTICIPANTS = (0, *range(10, 74, 2))
_MARK = 2

# The last domains that were given out; no test has more of them at once.
_GIVEN_MAX = 4
_given: deque[socket.socket] = deque()


def random_domain() -> int:
    """Return a domain that nobody is in, and that no other run of these tests has been given."""
    for domain_id in random.SystemRandom().sample(range(1, DOMAIN_MAX + 1), DOMAIN_MAX):
        port = _FIRST_PORT + _PORTS_OF_DOMAIN * domain_id
        mark = _bound(port + _MARK)
        if mark is None:
            continue
        if all(_is_free(port + offset) for offset in _PARTICIPANTS):
            _given.append(mark)
            while len(_given) > _GIVEN_MAX:
                _given.popleft().close()
            return domain_id
        mark.close()
    message = f'somebody is in each of {DOMAIN_MAX} domains'
    raise AssertionError(message)


def _is_free(port: int) -> bool:
    own = _bound(port)
    if own is not None:
        own.close()
    return own is not None


def _bound(port: int) -> socket.socket | None:
    """Return a socket that has a port for itself, None when somebody else has it."""
    own = socket.socket(type=socket.SOCK_DGRAM)
    try:
        own.bind(('', port))
    except OSError:
        own.close()
        return None
    return own


@contextmanager
def own_context(domain_id: int | None, arguments: Sequence[str] = ()) -> Iterator[Context]:
    """
    Return a context, and end it.

    :param domain_id: None is that of the environment.
    :param arguments: what follows ``--ros-args`` on a command line.
    """
    context = Context()
    rclpy.init(args=['--ros-args', *arguments], context=context, domain_id=domain_id)
    try:
        yield context
    finally:
        rclpy.try_shutdown(context=context)
