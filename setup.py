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
Metadata, data files, commands and the message build of fdr_node.

Nothing is generated while this file is read: colcon evaluates it for the metadata alone. What the
messages need is done by the build_ext command in resource/message_build.py.
"""

from pathlib import Path
import sys
import xml.etree.ElementTree as ET

# colcon runs a link to this file from its build space, pip runs it without the folder on the path.
SOURCE = Path(__file__).resolve().parent
sys.path.insert(0, str(SOURCE / 'resource'))

from message_build import BuildMessages, INPUTS, NAME  # noqa: E402 - on the path set above
from setuptools import Extension, find_packages, setup  # noqa: E402 - sorted behind it

MANIFEST = ET.parse(SOURCE / 'package.xml').getroot()  # noqa: S314 - our own file


def stated(tag: str) -> str:
    """Return what package.xml says, on one line."""
    return ' '.join(MANIFEST.findtext(tag, '').split())


def files(pattern: str) -> list[str]:
    """Return the files of the source tree that match, as paths relative to it."""
    return sorted(str(path.relative_to(SOURCE)) for path in SOURCE.glob(pattern))


setup(
    name=NAME,
    version=stated('version'),
    description=stated('description'),
    author=stated('maintainer'),
    author_email=MANIFEST.findall('maintainer')[0].get('email'),
    license=stated('license'),
    python_requires='>=3.11',
    packages=find_packages(str(SOURCE), include=[NAME, f'{NAME}.*'], exclude=[f'{NAME}.msg']),
    package_data={NAME: ['py.typed']},
    include_package_data=False,
    install_requires=[
        'filelock',
        'lz4',
        'mcap>=1.6',
        'msgpack',
        'pymavlink',
        'PyYAML',
        'zstandard',
    ],
    # By the first, `colcon test` takes pytest and not unittest.
    extras_require={'test': ['pytest'], 'ulog': ['pyulog']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        (f'share/{NAME}/launch', files('launch/*.py') + files('launch/*.yaml')),
    ],
    ext_modules=[
        Extension(
            f'{NAME}.msg',
            sources=[*INPUTS, 'resource/message_build.py', *files('msg/*.msg')],
        ),
    ],
    cmdclass={'build_ext': BuildMessages},
    entry_points={
        'console_scripts': [
            f'fdr = {NAME}.cli.main:main',
            f'fdr_demo_producer = {NAME}.demo.component:main',
            f'fdr_node = {NAME}.ros.main:main',
        ],
    },
    zip_safe=False,
)
