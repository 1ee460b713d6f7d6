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
"""Checks the docstrings with ament_pep257; its configuration is its own, not setup.cfg's."""

from configparser import ConfigParser

from project import ROOT, sources
import pytest

ament_pep257 = pytest.importorskip('ament_pep257.main', reason='ament_pep257 is not installed')


def test_make_lint_has_the_rules_of_ament() -> None:
    """So `make test` can leave the test below to it; colcon runs that."""
    parser = ConfigParser()
    parser.read(ROOT / 'setup.cfg')
    assert parser['pydocstyle']['ignore'].split(',') == ament_pep257._ament_ignore


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_pep257(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """Every docstring is as ament_pep257 wants it."""
    caplog.set_level('WARNING', 'pydocstyle.utils')  # it names every file
    if ament_pep257.main(argv=[str(path) for path in sources()]):
        pytest.fail(capsys.readouterr().err, pytrace=False)
