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
"""Tests of the picture: that it is SVG, and that lengths are what they stand for."""

from __future__ import annotations

from dataclasses import replace
import json
from xml.etree import ElementTree as ET

from bench_values import entry, results, SAMPLE
from fdr_node.bench.picture import picture
from fdr_node.bench.results import Results
from project import ROOT
import pytest

SVG = '{http://www.w3.org/2000/svg}'


def parsed(found: Results) -> ET.Element:
    """Return the picture as a reader of XML sees it."""
    return ET.fromstring(picture(found))  # noqa: S314  # our own text


def texts(root: ET.Element) -> list[str]:
    """Return every text."""
    return [element.text or '' for element in root.iter(f'{SVG}text')]


def bars(root: ET.Element) -> list[float]:
    """Return the widths of the bars."""
    height = '11'
    return [float(e.attrib['width']) for e in root.iter(f'{SVG}rect') if e.get('height') == height]


def of_cpu(*cpu_s: float) -> Results:
    """Return results with a contestant for each of these."""
    samples = tuple(
        replace(SAMPLE, contestant=str(place), cpu_s=value) for place, value in enumerate(cpu_s)
    )
    return replace(results(), samples=samples, entries=tuple(entry(s.contestant) for s in samples))


def test_a_decade_has_the_same_length_everywhere() -> None:
    """1, 10 and 100 us are at the beginning, in the middle and at the end of the axis."""
    assert bars(parsed(of_cpu(0.1, 1.0, 10.0))) == [0.0, 215.0, 430.0]


def test_a_bar_has_its_value_and_its_loss() -> None:
    """The figures are in the picture too."""
    found = texts(parsed(results()))
    assert '25.0, lost 0' in found
    assert '200.0, lost 60.0%' in found
    assert 'nothing recorded, lost 100.0%' in found


def test_who_is_missing_is_not_in_the_legend() -> None:
    """A colour without a bar would be looked for."""
    assert 'ros2 bag' not in texts(parsed(results()))


def test_names_are_escaped() -> None:
    """A name cannot break the document."""
    odd = replace(SAMPLE, contestant='a<b&c')
    found = replace(results(), samples=(odd,), entries=(entry('a<b&c'),))
    assert 'a<b&c' in texts(parsed(found))


@pytest.mark.parametrize('cpu_s', [0.0, 2.0])
def test_one_value_has_an_axis(cpu_s: float) -> None:
    """The axis has a length, also when every value is the same or nothing."""
    assert len(bars(parsed(of_cpu(cpu_s)))) == 1


def test_the_picture_in_the_documentation_is_of_its_measurement() -> None:
    """It was drawn from the JSON beside it."""
    folder = ROOT / 'docs' / 'bench'
    kept = Results.from_json(json.loads((folder / 'results.json').read_text(encoding='utf-8')))
    assert (folder / 'cpu.svg').read_text(encoding='utf-8') == picture(kept)
