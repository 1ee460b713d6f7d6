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
"""Checks the licence headers: with ament_copyright where it is installed, by their text always."""

from pathlib import Path

from project import ROOT, sources
import pytest


@pytest.mark.parametrize('path', sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_header_is_the_same_everywhere(path: Path) -> None:
    """Every source begins with the header of this one, which ament_copyright accepts."""
    header = ''.join(Path(__file__).read_text().splitlines(keepends=True)[:13])
    assert path.read_text().startswith(header)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_copyright(capsys: pytest.CaptureFixture[str]) -> None:
    """Every source, LICENSE and CONTRIBUTING.md name the licence as ament_copyright wants it."""
    ament_copyright = pytest.importorskip(
        'ament_copyright.main', reason='ament_copyright is not installed'
    )
    paths = [*sources(), ROOT / 'LICENSE', ROOT / 'CONTRIBUTING.md']
    if ament_copyright.main(argv=[str(path) for path in paths]):
        pytest.fail(capsys.readouterr().err, pytrace=False)
