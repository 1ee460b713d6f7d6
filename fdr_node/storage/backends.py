# Copyright 2026 The fdr_node authors. Apache-2.0, see LICENSE.
"""Chooses what writes the segments of a flight; the only place that names a concrete class."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fdr_node import __version__
from fdr_node.storage.flight_directory import FlightDirectory
from fdr_node.storage.mcap_segment import McapSegment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fdr_node.config import RecorderConfig
    from fdr_node.recording.ports import FlightStore
    from fdr_node.storage.flight_directory import MakeSegment

LIBRARY = f'fdr_node {__version__}'

_BACKENDS: Mapping[str, MakeSegment] = {'mcap': partial(McapSegment, library=LIBRARY)}


def open_store(config: RecorderConfig, *, flight_id: str) -> FlightStore:
    """
    Return where a flight will be written; nothing is touched yet.

    :param config: ``flight_root``, ``segment_bytes_max`` and ``storage_backend`` count here.
    :param flight_id: UUID of the flight.
    """
    return FlightDirectory(
        Path(config.flight_root).expanduser().absolute(),
        flight_id=flight_id,
        segment_bytes_max=config.segment_bytes_max,
        make_segment=_BACKENDS[config.storage_backend],
    )
