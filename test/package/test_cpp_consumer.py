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
A C++ component finds the installed package with CMake, links its messages and encodes one.

Publishing needs rclcpp, which the wheels do not have; what a publisher hands to the middleware is
what is compared here.
"""

from __future__ import annotations

from pathlib import Path
import subprocess

from fdr_node.record import decode_cdr, FdrRecord
import message_build
from project import ROOT
import pytest

ENVIRONMENT, PREFIXES = message_build.build_environment()
MISSING = message_build.missing_tool(ENVIRONMENT)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.skipif(MISSING is not None, reason=f'{MISSING}')
def test_a_record_made_in_cpp_is_read_here(tmp_path: Path) -> None:
    """The bytes of the C++ type support are those that the recorder decodes."""
    libraries = [f'{prefix}/lib' for prefix in PREFIXES]
    environment = ENVIRONMENT | {
        'LD_LIBRARY_PATH': ':'.join([ENVIRONMENT.get('LD_LIBRARY_PATH', ''), *libraries])
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(
        'cmake',
        *('-S', str(Path(__file__).parent / 'cpp_consumer')),
        *('-B', str(tmp_path)),
        f'-DCMAKE_PREFIX_PATH={";".join(map(str, PREFIXES))}',
        f'-DEXISTING_INCLUDES={ROOT / "resource" / "existing_includes.cmake"}',
    )
    run('cmake', '--build', str(tmp_path))
    assert decode_cdr(bytes.fromhex(run(str(tmp_path / 'encode')))) == FdrRecord(
        stamp_ns=1_700_000_000_000_000_005,
        monotonic_ns=123_456_789,
        session_id=0xFEED_FACE_CAFE_BEEF,
        seq=42,
        schema_version=1,
        producer_id='estimator',
        kind='estimate',
        payload=b'\x81\xa1x\x01',
    )
