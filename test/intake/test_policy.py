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
"""The policy: what a rule is, and that no more than it allows is recorded."""

from __future__ import annotations

from itertools import pairwise

from fdr_node.clock import NS_PER_S
from fdr_node.config import RecorderConfig
from fdr_node.errors import ConfigError
from fdr_node.intake.policy import KindRule, parse_rules, Policy
from fdr_node.schema import LossCause
from hypothesis import given
from hypothesis import strategies as st
import pytest

RECORD_BYTES_MAX = 1000


def policy(*texts: str) -> Policy:
    """Return a policy of rules in words."""
    return Policy(parse_rules(texts), record_bytes_max=RECORD_BYTES_MAX)


def test_the_default_rules_are_rules() -> None:
    """Raw frames are denied, and thumbnails of failed tiles come every 10 s in the long run."""
    rules = parse_rules(RecorderConfig().kind_rules)
    assert rules['camera_frame'].is_denied
    assert rules['raw_frame'].is_denied
    assert rules['failed_tile_thumbnail'].rate_hz == 0.1
    assert rules['tile'].rate_hz == 10


def test_a_rule_in_words() -> None:
    """Every limit can be given, in any order."""
    rules = parse_rules(['a deny', 'b bytes_max=10 rate_hz=2.5', 'c burst=7 rate_hz=1'])
    assert rules == {
        'a': KindRule(kind='a', is_denied=True),
        'b': KindRule(kind='b', rate_hz=2.5, bytes_max=10),
        'c': KindRule(kind='c', rate_hz=1.0, burst=7),
    }


@pytest.mark.parametrize(
    'text',
    [
        '',
        'a',
        'a allow',
        'a deny rate_hz=1',
        'a rate_hz=0',
        'a rate_hz=-1',
        'a rate_hz=nan',
        'a rate_hz=1e9',
        'a rate_hz=1 rate_hz=2',
        'a burst=0',
        'a bytes_max=67108865',
        'a speed=1',
        'k' * 65 + ' deny',
    ],
)
def test_what_is_no_rule_is_refused_by_name(text: str) -> None:
    """The error has the parameter, the text and what is allowed."""
    with pytest.raises(ConfigError) as caught:
        parse_rules([text])
    assert (caught.value.name, caught.value.value) == ('kind_rules', text)
    assert 'rate_hz=' in caught.value.bound


def test_a_kind_has_one_rule() -> None:
    """Two would leave open which one counts."""
    with pytest.raises(ConfigError, match='one rule for each kind'):
        parse_rules(['a deny', 'a rate_hz=1'])


@pytest.mark.parametrize(
    ('kind', 'size', 'cause'),
    [
        ('free', RECORD_BYTES_MAX, None),
        ('free', RECORD_BYTES_MAX + 1, LossCause.TOO_LARGE),
        ('frame', 1, LossCause.POLICY),
        ('small', 10, None),
        ('small', 11, LossCause.TOO_LARGE),
    ],
)
def test_what_is_refused_and_why(kind: str, size: int, cause: LossCause | None) -> None:
    """A kind without a rule has only the size that holds for all."""
    rules = policy('frame deny', 'small bytes_max=10')
    assert rules.judge(kind, size=size, now_ns=0) == cause


def test_a_producer_that_keeps_the_rate_loses_nothing() -> None:
    """Also when its records come up to half a second early or late."""
    rules = policy('thumbnail rate_hz=0.1 burst=2')
    times = [10 * NS_PER_S * n + (n % 3 - 1) * NS_PER_S // 2 + NS_PER_S for n in range(100)]
    assert all(later > earlier for earlier, later in pairwise(times))
    assert [rules.judge('thumbnail', size=1, now_ns=ns) for ns in times] == [None] * 100


def test_each_kind_has_a_rate_of_its_own() -> None:
    """What one kind has used up is not missing to another."""
    rules = policy('a rate_hz=1 burst=1', 'b rate_hz=1 burst=1')
    verdicts = [rules.judge(kind, size=1, now_ns=0) for kind in 'aabb']
    assert verdicts == [None, LossCause.POLICY, None, LossCause.POLICY]


@given(
    rate_hz=st.sampled_from([0.1, 1.0, 7.0, 1000.0]),
    burst=st.integers(1, 20),
    gaps_ns=st.lists(st.integers(0, 30 * NS_PER_S), min_size=1, max_size=200),
)
def test_never_more_than_the_rate_and_the_burst(
    rate_hz: float, burst: int, gaps_ns: list[int]
) -> None:
    """In no stretch of time, whenever the records come."""
    rules = policy(f'a rate_hz={rate_hz} burst={burst}')
    now_ns = 0
    allowed: list[int] = []
    for gap_ns in gaps_ns:
        now_ns += gap_ns
        if rules.judge('a', size=1, now_ns=now_ns) is None:
            allowed.append(now_ns)
    for first, start_ns in enumerate(allowed):
        for last in range(first, len(allowed)):
            seconds = (allowed[last] - start_ns) / NS_PER_S
            assert last - first + 1 <= burst + seconds * rate_hz + 1e-6


@given(
    kinds=st.lists(st.sampled_from(['free', 'small', 'denied', 'slow', 'huge']), max_size=4),
    sizes=st.lists(st.integers(1, RECORD_BYTES_MAX + 1), min_size=4, max_size=4),
)
def test_what_is_allowed_all_together_is_allowed_one_by_one(
    kinds: list[str], sizes: list[int]
) -> None:
    """The short way never allows what a look at each record would refuse."""
    rules = policy('small bytes_max=10', 'denied deny', 'slow rate_hz=1', 'huge bytes_max=2000')
    records = list(zip(kinds, sizes, strict=False))
    bytes_max = max((size for _, size in records), default=0)
    allows_all = rules.allows_all(set(kinds), bytes_max=bytes_max)
    verdicts = {rules.judge(kind, size=size, now_ns=0) for kind, size in records}
    is_free = set(kinds) <= {'free', 'huge'} and bytes_max <= RECORD_BYTES_MAX
    assert not allows_all or verdicts <= {None}
    assert allows_all or not is_free
