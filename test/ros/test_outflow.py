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

"""What waits is handed over once, in its order; a flight as a whole is in test_session.py."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from fdr_node.ros import outflow
import pytest
from session_rig import check_balance, Rig, seqs_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fdr_node.recording.batch import Received


@pytest.mark.parametrize('is_backlog', [False, True])
def test_whatever_ends_a_batch_the_rest_of_it_waits_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_backlog: bool
) -> None:
    """Records that the ring has given are not forgotten, nor written twice."""
    rig = Rig(tmp_path).begin()
    write_all, calls = rig.session._recorder.write_all, count(1)

    def fail_third(part: Sequence[Received]) -> int:
        if next(calls) == 3:
            raise ZeroDivisionError
        return write_all(part)

    monkeypatch.setattr(outflow, '_PART_BYTES', 2000)
    rig.take_in(range(100))
    if is_backlog:
        rig.session._lost_to_disk()
    monkeypatch.setattr(rig.session._recorder, 'write_all', fail_third)
    with pytest.raises(ZeroDivisionError):
        rig.session.write_out()
    rig.session.write_out()
    footer, bag = rig.land()
    assert seqs_in(bag) == [*range(100)]
    check_balance(footer, bag)
