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
"""An alert that exists fits every way it can take."""

from __future__ import annotations

from fdr_node.alerts.alert import Alert, Severity
from fdr_node.errors import PayloadError
from hypothesis import given
from hypothesis import strategies as st
import pytest


@pytest.mark.parametrize('text', ['', 'x' * 50, 'Füllstand', 'two\nlines', 'nul\0', 'del\x7f'])
def test_a_text_that_does_not_fit_is_refused(text: str) -> None:
    """Empty, too long, or with characters that a ground station may not show."""
    with pytest.raises(PayloadError) as caught:
        Alert(severity=Severity.ERROR, text=text)
    error = caught.value
    assert (error.field, error.value) == ('text', text)
    assert error.bound == '1 to 49 printable ASCII characters'


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=49))
def test_a_text_that_fits_is_taken(text: str) -> None:
    """All of printable ASCII, up to 49 bytes."""
    alert = Alert(severity=Severity.NOTICE, text=text)
    assert len(alert.text.encode('ascii')) <= 49


def test_severities_are_those_of_mavlink() -> None:
    """MAV_SEVERITY of the dialect's XML, from worst to least."""
    names = ['EMERGENCY', 'ALERT', 'CRITICAL', 'ERROR', 'WARNING', 'NOTICE', 'INFO', 'DEBUG']
    assert [severity.name for severity in sorted(Severity)] == names
    assert list(map(int, sorted(Severity))) == list(range(8))
