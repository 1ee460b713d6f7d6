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
"""Checks the sources with ament_flake8; its configuration is its own, not setup.cfg's."""

from project import sources
import pytest

ament_flake8 = pytest.importorskip('ament_flake8.main', reason='ament_flake8 is not installed')


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_flake8(capsys: pytest.CaptureFixture[str]) -> None:
    """Every source is as ament_flake8 wants it."""
    _, errors = ament_flake8.main_with_errors(argv=[str(path) for path in sources()])
    capsys.readouterr()  # a list of all files
    if errors:
        pytest.fail('\n'.join(errors), pytrace=False)
