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
"""What every test needs, whether make, colcon or an editor starts it."""

import gc
import os
from pathlib import Path
import signal
import sys

from hypothesis import HealthCheck, settings

# How long an example takes says what else the computer does, and nothing about the code.
settings.register_profile(
    'any computer', deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile('any computer')

# A shell without job control lets what it starts in the background ignore SIGINT, and so would
# what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Without a sourced ROS 2, the virtual environment is the ament prefix; make sets the same.
os.environ.setdefault('AMENT_PREFIX_PATH', sys.prefix)

# Processes that have just started find each other at once. Not on Kilted: Fast DDS 3 reads another
# variable than Fast DDS 2, and with any file in it a subscription of the benchmark heard nothing.
PREFIXES = os.environ['AMENT_PREFIX_PATH'].split(os.pathsep)
if not any(Path(prefix, 'share', 'fastdds').is_dir() for prefix in PREFIXES):
    PROFILES = Path(__file__).with_name('support') / 'fast_dds.xml'
    os.environ.setdefault('FASTRTPS_DEFAULT_PROFILES_FILE', str(PROFILES))

# `colcon test` starts Python among the sources, which would pass for the package; the one with the
# generated messages is where `colcon build` has put it. What the tests start looks there too.
ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / 'fdr_node' / 'msg').is_dir():
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != ROOT]
    os.environ['PYTHONSAFEPATH'] = '1'
    support = str(ROOT / 'test' / 'support')
    os.environ['PYTHONPATH'] = os.pathsep.join([support, os.environ.get('PYTHONPATH', '')])


def pytest_collection_finish() -> None:
    """Let a collection of garbage look at what the tests make, and not at all the tests again."""
    gc.collect()
    gc.freeze()
