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
"""Claims the place on a second disk, and says how much of that disk a flight may take."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from errno import EIO, ENOSPC
from typing import NamedTuple, TYPE_CHECKING

from fdr_node.errors import FdrOpenError
from fdr_node.recording.space import space_for

if TYPE_CHECKING:
    from fdr_node.config import RecorderConfig
    from fdr_node.recording.ports import FlightStore


class Spare(NamedTuple):
    """A place that is claimed, and the settings there."""

    store: FlightStore
    config: RecorderConfig


def claim_spare(store: FlightStore, config: RecorderConfig) -> Spare:
    """
    Claim a place.

    :param config: its cap, and what has to stay free, hold on the second disk too.
    :raises FdrOpenError: it cannot be used, or has too little space; nothing is left behind.
    """
    with ExitStack() as undone:
        store.claim()
        undone.callback(store.close_flight, discard=True)
        try:
            space = space_for(replace(config, root_bytes_max=0), free_bytes=store.free_bytes())
        except OSError as error:
            reason = error.strerror or str(error)
            raise FdrOpenError(store.directory, reason=reason, errno=error.errno or EIO) from error
        if space.refusal:
            raise FdrOpenError(store.directory, reason=space.refusal, errno=ENOSPC)
        undone.pop_all()
    return Spare(store, replace(config, flight_bytes_max=space.cap_bytes))
