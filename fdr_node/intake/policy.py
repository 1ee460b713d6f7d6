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
Decides which records may be recorded: by kind forbidden, limited in rate, limited in size.

Pure but for the allowance that each limited kind has left; time is passed in. A refused record is
a loss like any other; who counts and logs it is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import Final, TYPE_CHECKING

from fdr_node.clock import NS_PER_S
from fdr_node.errors import ConfigError
from fdr_node.record import ID_BYTES_MAX
from fdr_node.schema import LossCause

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PARAMETER: Final = 'kind_rules'
_FORM: Final = (
    '"KIND deny", or "KIND" and some of: rate_hz=0.001..100000 burst=1..100000 bytes_max=1..2^26'
)
_LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    'rate_hz': (0.001, 100_000.0),
    'burst': (1, 100_000),
    'bytes_max': (1, 1 << 26),
}
_NUMBER: Final = re.compile(r'\d+(\.\d+)?')


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRule:
    """
    What is allowed of one kind.

    :param kind: which kind.
    :param is_denied: none of it is recorded.
    :param rate_hz: records per second over all producers, in the long run; 0 is no limit.
    :param burst: records that may come at once; a producer that keeps the rate to the letter needs
        2, as its records come a little early or late.
    :param bytes_max: size of a serialised record; 0 is no limit of its own.
    """

    kind: str
    is_denied: bool = False
    rate_hz: float = 0.0
    burst: int = 2
    bytes_max: int = 0


def parse_rules(texts: Iterable[str]) -> dict[str, KindRule]:
    """
    Return the rules by kind.

    :param texts: one rule each, for example ``failed_tile_thumbnail rate_hz=0.1 burst=2``.
    :raises ConfigError: a text is no rule, a number is out of its bound, or a kind has two rules.
    """
    rules: dict[str, KindRule] = {}
    for text in texts:
        rule = _parse_rule(text)
        if rule.kind in rules:
            raise ConfigError(name=_PARAMETER, value=text, bound='one rule for each kind')
        rules[rule.kind] = rule
    return rules


class Policy:
    """
    The rules of a flight, and what each limited kind has left of its rate.

    :param rules: by kind; a kind without a rule is allowed.
    :param record_bytes_max: size of a serialised record of any kind, in bytes.
    """

    def __init__(self, rules: Mapping[str, KindRule], *, record_bytes_max: int) -> None:
        self._rules = rules
        self._record_bytes_max = record_bytes_max
        # Records that may still come now, and when that was worked out (CLOCK_MONOTONIC, ns).
        self._allowances: dict[str, tuple[float, int]] = {}

    def allows_all(self, kinds: Iterable[str], *, bytes_max: int) -> bool:
        """
        Say whether records may be recorded without a look at each; no allowance is touched.

        :param kinds: of the records.
        :param bytes_max: size of the largest of them, serialised, in bytes.
        :return: False when some of them have to be judged.
        """
        rules = [self._rules[kind] for kind in kinds if kind in self._rules]
        sizes = [rule.bytes_max for rule in rules if rule.bytes_max]
        is_limited = any(rule.is_denied or rule.rate_hz for rule in rules)
        return not is_limited and bytes_max <= min([self._record_bytes_max, *sizes])

    def judge(self, kind: str, *, size: int, now_ns: int) -> LossCause | None:
        """
        Say whether a record may be recorded, and take it from the allowance of its kind.

        :param kind: of the record.
        :param size: of the serialised record, in bytes.
        :param now_ns: CLOCK_MONOTONIC when it came.
        :return: why not, or None when it may.
        """
        if size > self._record_bytes_max:
            return LossCause.TOO_LARGE
        rule = self._rules.get(kind)
        if rule is None:
            return None
        if rule.is_denied or not self._has_allowance(rule, now_ns):
            return LossCause.POLICY
        return LossCause.TOO_LARGE if 0 < rule.bytes_max < size else None

    def _has_allowance(self, rule: KindRule, now_ns: int) -> bool:
        if not rule.rate_hz:
            return True
        left, since_ns = self._allowances.get(rule.kind, (float(rule.burst), now_ns))
        earned = (now_ns - since_ns) * rule.rate_hz / NS_PER_S
        left = min(float(rule.burst), left + earned)
        is_allowed = left >= 1.0
        self._allowances[rule.kind] = (left - 1.0 if is_allowed else left, now_ns)
        return is_allowed


def _parse_rule(text: str) -> KindRule:
    kind, *words = text.split() or ['']
    if not words or len(kind.encode()) > ID_BYTES_MAX:
        raise ConfigError(name=_PARAMETER, value=text, bound=_FORM)
    if words == ['deny']:
        return KindRule(kind=kind, is_denied=True)
    values: dict[str, float] = {}
    for word in words:
        key, _, number = word.partition('=')
        if key not in _LIMITS or key in values or not _NUMBER.fullmatch(number):
            raise ConfigError(name=_PARAMETER, value=text, bound=_FORM)
        low, high = _LIMITS[key]
        if not low <= float(number) <= high:
            raise ConfigError(name=_PARAMETER, value=text, bound=_FORM)
        values[key] = float(number)
    return KindRule(
        kind=kind,
        rate_hz=values.get('rate_hz', 0.0),
        burst=int(values.get('burst', 2)),
        bytes_max=int(values.get('bytes_max', 0)),
    )
