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
"""
Where the sources of the project are, for the tests that look at all of them.

Read from the folders, so that it holds without git and in a copy. Generated files are left out.
"""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / 'fdr_node'
TESTS = ROOT / 'test'


def modules() -> list[Path]:
    """Return every module of the package that was written by hand."""
    return sorted(p for p in PACKAGE.rglob('*.py') if p.relative_to(PACKAGE).parts[0] != 'msg')


def sources() -> list[Path]:
    """Return every Python source of the project."""
    folders = [ROOT / name for name in ('.ci', 'launch', 'resource', 'test')]
    beside = [p for folder in folders for p in sorted(folder.rglob('*.py'))]
    return [ROOT / 'setup.py', *beside, *modules()]


def documented(name: str) -> dict[str, object]:
    """Return an example of JSON in docs/cli.md."""
    text = (ROOT / 'docs' / 'cli.md').read_text(encoding='utf-8')
    _, _, rest = text.partition(f'<!-- example: {name} -->\n```json\n')
    example: object = json.loads(rest.partition('```')[0])
    assert isinstance(example, dict)
    return example
