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
"""The Foxglove layout shows what is published: every path is a field of a message."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray
from fdr_node.msg import FdrStatus, StatusText
from project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

LAYOUT = json.loads((ROOT / 'docs' / 'foxglove' / 'fdr.json').read_text(encoding='utf-8'))
TYPES = {
    '/fdr/status': FdrStatus,
    '/fdr/statustext': StatusText,
    '/diagnostics': DiagnosticArray,
}
# The keys of a panel that name a topic or a path.
PATH_KEYS = {'path', 'topicPath', 'topicToRender', 'value'}


def paths_in(config: object) -> Iterator[str]:
    """Yield every path in the configuration of a panel."""
    if isinstance(config, dict):
        for key, value in config.items():
            if key in PATH_KEYS:
                assert isinstance(value, str)
                yield value
            else:
                yield from paths_in(value)
    elif isinstance(config, list):
        for value in config:
            yield from paths_in(value)


def leaves_of(node: object) -> Iterator[str]:
    """Yield the panels that a part of the layout shows."""
    if isinstance(node, str):
        yield node
    else:
        assert isinstance(node, dict)
        assert node.keys() == {'direction', 'splitPercentage', 'first', 'second'}
        yield from leaves_of(node['first'])
        yield from leaves_of(node['second'])


def test_every_panel_is_shown_once() -> None:
    """And none is shown that is not described."""
    leaves = list(leaves_of(LAYOUT['layout']))
    assert sorted(leaves) == sorted(LAYOUT['configById'])


def test_every_path_is_a_field_that_is_published() -> None:
    """A field that is renamed takes its panel along."""
    paths = [path for config in LAYOUT['configById'].values() for path in paths_in(config)]
    assert {path.split('.')[0] for path in paths} == TYPES.keys()
    for path in paths:
        topic, _, field = path.partition('.')
        assert not field or field in TYPES[topic].get_fields_and_field_types(), path


def test_every_panel_is_in_the_list_of_the_document() -> None:
    """Who cannot load the layout builds it from there."""
    text = (ROOT / 'docs' / 'operations.md').read_text(encoding='utf-8')
    _, _, rest = text.partition('<!-- panels: begin -->\n')
    table = rest.partition('<!-- panels: end -->')[0]
    listed = [re.findall(r'`([^`]*)`', row) for row in table.splitlines()[2:]]
    shown = [list(paths_in(config)) for config in LAYOUT['configById'].values()]
    assert listed == shown
