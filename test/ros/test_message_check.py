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
"""Records are compared with those of rclpy, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fdr_node.ros import message_check
import pytest

if TYPE_CHECKING:
    from fdr_node.record import FdrRecord

pytestmark = pytest.mark.ros


def test_the_messages_that_were_built_are_ours() -> None:
    """Every field arrives."""
    assert message_check.main() == 0


def test_messages_of_another_version_are_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Here it is this package that is another one."""

    def other(data: bytes) -> FdrRecord:
        del data
        return message_check._RECORD._replace(seq=6)

    monkeypatch.setattr(message_check, 'decode_cdr', other)
    assert message_check.main() == 1
    assert 'not the one of this version' in capsys.readouterr().err
