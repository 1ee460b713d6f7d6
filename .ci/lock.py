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
Print requirements.lock from pip's report of a resolution (`make lock` runs it).

It resolves nothing itself, and keeps no address of where a package came from.
"""

import json
import sys

print(
    '# Resolved from the dependency groups in pyproject.toml by `make lock`; not edited by hand.'
)
lines = []
for entry in json.load(sys.stdin)['install']:
    metadata = entry['metadata']
    line = f'{metadata["name"]}=={metadata["version"]}'
    for bound in metadata.get('requires_python', '').split(','):
        if bound.strip().startswith('<'):
            line += f' ; python_version < "{bound.strip().lstrip("<=")}"'
    lines.append(line)
print('\n'.join(sorted(lines, key=str.lower)))
