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
"""Random numbers whose seed is printed, so that a run that failed can be repeated."""

from __future__ import annotations

import os
import random

# To repeat a run: FDR_TEST_SEED=<seed> make test ARGS='-k name'.
VARIABLE = 'FDR_TEST_SEED'


def numbers(name: str) -> random.Random:
    """Return numbers of their own for something that is named; the seed is in the output."""
    seed = os.environ.get(VARIABLE) or str(random.SystemRandom().randrange(1 << 32))
    print(f'{name}: {VARIABLE}={seed}')  # noqa: T201 - pytest shows it when the test fails
    return random.Random(f'{seed} {name}')  # noqa: S311 - no secrets
