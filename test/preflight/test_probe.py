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
"""A flight root is looked at in another process, which a disk that hangs does not bring back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.preflight import probe as probe_module
from fdr_node.preflight.probe import probe
from fuse_disk import fuse_disk
import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_the_facts_come_back(tmp_path: Path) -> None:
    """As they would in this process."""
    facts = probe(tmp_path, patience_s=10)
    assert facts is not None
    assert (facts.root, facts.is_there, facts.error) == (str(tmp_path), True, '')
    assert min(facts.sync_ns) > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.fault
def test_a_disk_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """And what hangs ends when the disk answers; it has left nothing."""
    with fuse_disk(tmp_path) as disk:
        disk.hang('fsync')
        assert probe(disk.place, patience_s=1, start_s=1) is None
        disk.mend()
        (process,) = probe_module._left
        assert process.wait(10) < 0
        probe_module._left.clear()
        assert list(disk.place.iterdir()) == []
