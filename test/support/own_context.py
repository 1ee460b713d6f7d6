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

from contextlib import contextmanager
import random
from typing import TYPE_CHECKING

import rclpy
from rclpy.context import Context

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Above 101 the ports of DDS reach into those that Linux hands out by itself.
DOMAIN_MAX = 101


def random_domain() -> int:
    """Return a domain that probably no one else is in."""
    return random.SystemRandom().randint(1, DOMAIN_MAX)


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
