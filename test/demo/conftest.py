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
"""The real PX4 log that the tests of the replay read."""

from __future__ import annotations

import os
from pathlib import Path

from project import ROOT
import pytest

_NAME = 'px4_sample_log_small.ulg'


@pytest.fixture
def px4_log() -> Path:
    """Return the path of a PX4 log of 14,604 messages, PX4/pyulog's test/sample_log_small.ulg."""
    pytest.importorskip('pyulog', reason='pyulog is not installed; rosdep has no key for it')
    path = Path(os.environ.get('FDR_PX4_LOG') or ROOT.parent / 'shared' / 'data' / _NAME)
    if not path.is_file():
        pytest.skip(f'{path} is not there; FDR_PX4_LOG can name another place')
    return path
