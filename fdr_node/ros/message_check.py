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
Tries whether rclpy writes and reads a record as this package does, for ``fdr doctor``.

``python -m fdr_node.ros.message_check`` ends with 0 when it does. The libraries of the messages
and of the middleware are loaded by that; no node is made.
"""

# rclpy is typed in part.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import sys

from fdr_node.clock import NS_PER_S
from fdr_node.msg import FdrRecord as Message
from fdr_node.record import decode_cdr, encode_cdr, FdrRecord
from rclpy.serialization import deserialize_message, serialize_message

# No field is like another one.
_RECORD = FdrRecord(
    stamp_ns=1_700_000_000 * NS_PER_S + 2,
    monotonic_ns=3,
    session_id=4,
    seq=5,
    schema_version=6,
    producer_id='seven',
    kind='eight',
    payload=b'\x81\xa1n\x09',
)


def main() -> int:
    """Compare both ways. :return: 0 when they agree, 1 when they do not."""
    written = deserialize_message(encode_cdr(_RECORD), Message)
    if written != _message(_RECORD) or decode_cdr(serialize_message(written)) != _RECORD:
        sys.stderr.write('fdr_node/msg/FdrRecord is not the one of this version\n')
        return 1
    return 0


def _message(record: FdrRecord) -> Message:
    values = record._asdict()
    stamp_ns = values.pop('stamp_ns')
    message = Message(**values)
    message.stamp.sec, message.stamp.nanosec = divmod(stamp_ns, NS_PER_S)
    return message


if __name__ == '__main__':
    sys.exit(main())
