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
"""What fdr info shows for people and for programs, and the code that it ends with."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
import json
from typing import TYPE_CHECKING

from crafted import (
    dropped,
    footer,
    HEADER,
    MS,
    own,
    records,
    segment,
    START_NS,
    totals,
    write_flight,
)
from fdr_node.cli.info import Progress, render, render_list
from fdr_node.cli.main import main
from fdr_node.debrief.balance import Account, ELSEWHERE, ROLLED_OFF, UNREADABLE
from fdr_node.debrief.catalogue import FlightEntry, list_flights
from fdr_node.debrief.flight_info import FlightInfo, PartInfo, ProducerInfo, Scope, SegmentInfo
from fdr_node.debrief.info import inspect_flight
from fdr_node.debrief.outages import Outage
from fdr_node.schema import DropReason, LossCause
from project import documented, ROOT
import pytest
from rigs import TwoDiskRig

if TYPE_CHECKING:
    from pathlib import Path

FOOTER = footer({'fdr': totals(2), 'imu': totals(3)}, segment_count=1)
DATA = segment([own(0, HEADER), *records('imu', range(3)), own(1, FOOTER)], flight_footer=FOOTER)
OPEN = segment([own(0, HEADER), *records('imu', range(3))])

INFO = FlightInfo(
    scope=Scope.FLIGHT,
    flight_id='flight-a',
    directory='/flights/flight-a',
    host='uav-7',
    clean_shutdown=False,
    start_ns=START_NS,
    duration_ns=12_345 * MS,
    rollover_count=2,
    records_rolled_off=1234,
    segments=(
        SegmentInfo(
            file='flight-a_2.mcap',
            records=12000,
            size_bytes=3 << 20,
            start_ns=START_NS + 5000 * MS,
            end_ns=START_NS + 11000 * MS,
        ),
        SegmentInfo(file='flight-a_3.mcap', records=0, size_bytes=512, start_ns=0, end_ns=0),
    ),
    dropped_segments=(dropped(1, {'imu': 1}, rolled_off=1234),),
    producers={
        'gps': ProducerInfo(
            account=Account(published=1, lost_by={'unknown': 1}, before_flight=None, sessions=1)
        ),
        'imu': ProducerInfo(
            account=Account(
                published=13300,
                recorded=12000,
                lost_by={'ring': 67, 'rolled_off': 1234},
                duplicates=1,
                sessions=1,
            ),
            kinds={'imu': 11999, 'tick': 1},
        ),
    },
    malformed=0,
    is_balanced=True,
    may_go_on=True,
    problems=('segment 4 is missing',),
)

SHOWN = """\
flight     flight-a
directory  /flights/flight-a
host       uav-7
start      2023-11-14T22:13:20.000000Z (UTC)
end        2023-11-14T22:13:32.345000Z (UTC)
duration   12.345 s
closed     NOT cleanly: the recorder failed or crashed, or still records
records    12,000 in 2 segments
size       3.0 MiB (3,146,240 bytes)

SEGMENT          RECORDS      BYTES  FROM [s]  TO [s]
flight-a_2.mcap   12,000  3,145,728     5.000  11.000
flight-a_3.mcap        0        512         -       -

DROPPED: 2 segments, 1,234 records
- flight-a_1.mcap (to keep the cap): 1 record, 0.001 to 0.002 s

PRODUCER  PUBLISHED  RECORDED   LOST  DUPLICATES  LOST BY
gps               1         0      1           0  unknown 1
imu          13,300    12,000  1,301           1  ring 67, rolled_off 1,234

PRODUCER  KIND  RECORDS  RATE [1/s]
imu       imu    11,999     1,999.8
imu       tick        1         0.2

PROBLEMS
- segment 4 is missing

BALANCED: 13,301 published + 1 duplicates = 12,000 recorded + 1,302 lost"""


def test_a_flight_for_people() -> None:
    """Columns are aligned, numbers are exact, and the last line is the verdict."""
    assert render(INFO) == SHOWN


def test_a_flight_with_a_footer_is_over() -> None:
    """Of one that a recovery has put in order nobody asks whether it is still recorded."""
    text = render(replace(INFO, may_go_on=False))
    assert 'closed     NOT cleanly: the recorder failed or crashed\n' in text


def test_producers_without_a_last_word_are_named() -> None:
    """Their account ends where the log ends."""
    lines = render(replace(INFO, open_ends=('imu', 'gps'))).splitlines()
    place = lines.index('PROBLEMS')
    before = lines[:place]
    assert before[-4:-1] == [
        'WITHOUT A LAST WORD: what these published behind their last record is not known',
        '- imu',
        '- gps',
    ]
    assert 'LAST WORD' not in render(INFO)


def test_what_does_not_add_up_comes_last() -> None:
    """The last line has both sides of what is no equation."""
    imu = ProducerInfo(account=Account(published=9, recorded=7))
    info = replace(INFO, producers={'imu': imu}, is_balanced=False, problems=('imu: 2 gone',))
    assert render(info).splitlines()[-4:] == [
        'PROBLEMS',
        '- imu: 2 gone',
        '',
        'NOT BALANCED: 9 published + 0 duplicates against 7 recorded + 0 lost',
    ]


def test_one_segment_for_people() -> None:
    """How the flight ended is not said of one segment of it."""
    info = replace(INFO, scope=Scope.SEGMENT, segments=INFO.segments[:1], host='')
    assert render(info).splitlines()[:8] == [
        'flight     flight-a (one segment of it)',
        'directory  /flights/flight-a',
        'host       ?',
        'start      2023-11-14T22:13:20.000000Z (UTC)',
        'end        2023-11-14T22:13:32.345000Z (UTC)',
        'duration   12.345 s',
        'records    12,000 in 1 segment',
        'size       3.0 MiB (3,145,728 bytes)',
    ]


def test_a_clean_flight_has_no_empty_headings() -> None:
    """Nothing is shown of drops and problems where there are none."""
    info = replace(
        INFO,
        clean_shutdown=True,
        rollover_count=0,
        segments=INFO.segments[1:],
        producers={'imu': INFO.producers['imu']},
        problems=(),
    )
    text = render(info)
    assert 'closed     cleanly\n' in text
    assert 'imu       imu    11,999           -\n' in text
    assert 'DROPPED' not in text
    assert 'PROBLEMS' not in text


def test_names_cannot_move_the_cursor() -> None:
    """Anyone can publish under any name; it is shown, and not obeyed."""
    name = 'imu\x1b[2J\nfdr'
    info = replace(
        INFO,
        producers={name: ProducerInfo(account=Account(), kinds={'a\tb': 1})},
        problems=(f'{name}: lost',),
    )
    text = render(info)
    assert '\x1b' not in text
    assert 'imu?[2J?fdr' in text
    assert 'a?b' in text
    assert len(text.splitlines()) == len(SHOWN.splitlines()) - 2


OUTAGE = Outage(
    cause='commit',
    errno_name='EIO',
    detail='commit: EIO: Input/output error',
    end_ns=START_NS + 9000 * MS,
    duration_ns=4000 * MS,
    lost={'imu': 60, 'gps': 7},
)


def test_outages_for_people() -> None:
    """When, how long, what was lost meanwhile, and why; the first ten of them."""
    unknown = Outage(cause='stall', end_ns=START_NS)
    info = replace(
        INFO,
        outages=(OUTAGE, unknown, *[OUTAGE] * 10),
        outage_count=1012,
        outage_records_lost=4321,
    )
    lines = render(info).splitlines()
    place = lines.index(
        'OUTAGES: the storage took nothing 1,012 times, 4,321 records lost meanwhile'
    )
    end = lines.index('', place)
    first, last = place + 1, place + 4
    assert lines[first:last] == [
        'FROM [s]  SECONDS  LOST  CAUSE',
        '   5.000    4.000    67  commit: EIO: Input/output error',
        '       ?        ?     0  stall',
    ]
    assert (end - place, lines[end - 1]) == (13, 'and 1,002 more')
    assert 'OUTAGES' not in render(INFO)


def test_why_a_segment_is_gone() -> None:
    """Each reason in words."""
    drops = [
        replace(dropped(index, {}, rolled_off=1), reason=reason)
        for index, reason in enumerate(DropReason)
    ]
    text = render(replace(INFO, dropped_segments=tuple(drops)))
    words = [
        line.partition('(')[2].partition(')')[0] for line in text.splitlines() if '_0' in line
    ]
    assert words == ['to keep the cap']
    assert '_1.mcap (the disk was full): ' in text
    assert '_2.mcap (somebody removed it): ' in text


PARTS = (
    PartInfo(directory='/cards/a', listed_as='/flights/flight-a'),
    PartInfo(directory='/flights/flight-a', listed_as='/spare/flight-a'),
)


def test_a_flight_in_two_directories_for_people() -> None:
    """Each segment has its own, and says whether it was left."""
    first, second = INFO.segments
    segments = (
        replace(first, directory='/cards/a', is_left=True),
        replace(second, directory='/flights/flight-a'),
    )
    lines = render(replace(INFO, parts=PARTS, segments=segments)).splitlines()
    assert lines[1:3] == ['directory  /flights/flight-a', 'and        /cards/a']
    left, closed = (line for line in lines if line.startswith('flight-a_'))
    assert left.endswith('  not closed  /cards/a')
    assert closed.endswith('  closed      /flights/flight-a')


@pytest.mark.parametrize('clean_shutdown', [False, True])
def test_a_directory_that_is_not_here(*, clean_shutdown: bool) -> None:
    """What is not known is said to be so."""
    parts = (replace(PARTS[0], directory=None), PARTS[1])
    info = replace(INFO, parts=parts, is_balanced=None, clean_shutdown=clean_shutdown)
    lines = render(info).splitlines()
    assert lines[2] == 'not here   /flights/flight-a (--also DIR when it is somewhere else)'
    closed = next(line for line in lines if line.startswith('closed'))
    unknown = 'not known: the end may be in the directory that is not here'
    assert closed == f'closed     {"cleanly" if clean_shutdown else unknown}'
    assert lines[-1].startswith('BALANCED as far as it is here: 13,301 published')


@pytest.mark.parametrize(
    ('size_bytes', 'text'),
    [
        (0, '0 B (0 bytes)'),
        (1023, '1023 B (1,023 bytes)'),
        (1536, '1.5 KiB (1,536 bytes)'),
        (5 << 40, '5.0 TiB (5,497,558,138,880 bytes)'),
        (5 << 50, '5120.0 TiB (5,629,499,534,213,120 bytes)'),
    ],
)
def test_sizes(size_bytes: int, text: str) -> None:
    """A size is shown for a glance, and exactly."""
    item = replace(INFO.segments[0], size_bytes=size_bytes)
    assert f'size       {text}\n' in render(replace(INFO, segments=(item,)))


ENTRY = FlightEntry(
    flight_id='flight-a',
    directory='/flights/flight-a',
    start_ns=START_NS,
    duration_ns=12_345 * MS,
    records=12000,
    size_bytes=3 << 20,
    segments=2,
    clean_shutdown=True,
    problems=(),
)


def test_a_list_for_people() -> None:
    """A line for each flight; what is not known has a question mark."""
    reason = 'metadata.yaml: it is no YAML'
    unknown = replace(
        ENTRY,
        flight_id='b',
        start_ns=None,
        duration_ns=None,
        records=None,
        clean_shutdown=False,
        problems=(reason,),
    )
    not_closed = replace(ENTRY, duration_ns=None, records=None, clean_shutdown=False)
    recovered = replace(ENTRY, clean_shutdown=False)
    assert render_list([ENTRY, recovered, not_closed, unknown]).splitlines() == [
        'FLIGHT    START (UTC)                  SECONDS  RECORDS     SIZE  SEGMENTS  CLOSED',
        'flight-a  2023-11-14T22:13:20.000000Z   12.345   12,000  3.0 MiB         2  clean',
        'flight-a  2023-11-14T22:13:20.000000Z   12.345   12,000  3.0 MiB         2  not clean',
        'flight-a  2023-11-14T22:13:20.000000Z        ?        ?  3.0 MiB         2  not closed',
        f'b         ?                                  ?        ?  3.0 MiB         2  {reason}',
    ]


def test_a_clean_flight_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text on stdout, nothing on stderr."""
    directory = write_flight(tmp_path, {0: DATA}, flight_footer=FOOTER)
    assert main(['info', str(directory)]) == 0
    assert capsys.readouterr() == (render(inspect_flight(directory)) + '\n', '')


@pytest.mark.parametrize('data', [OPEN, DATA[:-1]], ids=['not closed', 'cut off'])
def test_findings_end_with_3(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are in the data, not on stderr."""
    directory = write_flight(tmp_path, {0: data})
    assert main(['info', str(directory), '--json']) == 3
    out, err = capsys.readouterr()
    assert (json.loads(out), err) == (inspect_flight(directory).to_json(), '')


def test_a_segment_is_a_flight_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path may name one file."""
    path = write_flight(tmp_path, {0: OPEN}) / 'flight-a_0.mcap'
    assert main(['info', str(path), '--json']) == 0
    assert json.loads(capsys.readouterr().out)['scope'] == 'segment'


def test_a_root_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All flights that are there; 3 when one of them was not closed."""
    write_flight(tmp_path, {0: DATA}, flight_footer=FOOTER)
    assert main(['info', str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith('flight-a  2023-11-14T22:13:20')
    write_flight(tmp_path, {0: OPEN}, flight_id='flight-b')
    assert main(['info', str(tmp_path), '--json']) == 3
    flights = json.loads(capsys.readouterr().out)['flights']
    assert [flight['clean_shutdown'] for flight in flights] == [True, False]


def test_the_other_directory_is_named_by_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After landing both cards are copied to wherever there is room."""
    rig = TwoDiskRig(tmp_path)
    rig.open_flight()
    rig.write(range(3))
    rig.move()
    rig.write(range(3, 5))
    rig.recorder.close_flight()
    card = rig.spare.rename(tmp_path / 'card')
    assert main(['info', str(rig.first), '--json']) == 3
    assert json.loads(capsys.readouterr().out)['complete'] is False
    assert main(['info', str(rig.first), '--also', str(card), '--json']) == 3
    info = json.loads(capsys.readouterr().out)
    assert (info['complete'], info['balanced'], info['problems']) == (True, True, [])
    assert info['parts'] == [
        {'directory': str(rig.first), 'listed_as': str(rig.first)},
        {'directory': str(card), 'listed_as': str(rig.spare)},
    ]
    assert len(info['outages']) == 1


def test_another_directory_goes_with_a_flight_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not with one segment, and not with a root."""
    directory = write_flight(tmp_path, {0: OPEN})
    for path, named in ((directory / 'flight-a_0.mcap', directory), (tmp_path, tmp_path)):
        assert main(['info', str(path), '--also', str(directory)]) == 1
        assert capsys.readouterr().err.startswith(f'fdr: {named}: it ')


def test_a_list_marks_a_flight_in_two_directories(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What its footer counts is in both."""
    rig = TwoDiskRig(tmp_path)
    rig.open_flight()
    rig.write(range(3))
    rig.move()
    rig.recorder.close_flight()
    assert main(['info', str(rig.spare.parent)]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert line.endswith(f'clean; one of 2: {rig.first}, {rig.spare}')


@pytest.mark.parametrize('name', ['nothing', 'empty', 'notes.txt'])
def test_what_is_no_flight_ends_with_1(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names the path."""
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'notes.txt').write_text('text', encoding='utf-8')
    assert main(['info', str(tmp_path / name)]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count('\n')) == ('', 1)
    assert err.startswith(f'fdr: {tmp_path / name}: ')


class Terminal(StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_progress_on_a_terminal() -> None:
    """Twice a second at most, on one line, which is gone at the end."""
    times = iter([10.0, 10.4, 10.5, 10.9, 11.0])
    stream = Terminal()
    with Progress(stream, now_s=lambda: next(times)) as progress:
        for done in (1, 2, 3, 4):
            progress.show(done << 20, 8 << 20)
    line = '\r\x1b[Kreading 8.0 MiB: {} %'
    assert stream.getvalue() == line.format(25) + line.format(50) + '\r\x1b[K'


def test_progress_that_is_quick_shows_nothing() -> None:
    """What takes less than half a second needs no progress."""
    stream = Terminal()
    with Progress(stream, now_s=lambda: 1.0) as progress:
        progress.show(0, 0)
    assert stream.getvalue() == ''


def test_progress_is_for_terminals() -> None:
    """A log file does not get it."""
    times = iter([1.0, 2.0])
    stream = StringIO()
    with Progress(stream, now_s=lambda: next(times)) as progress:
        progress.show(1, 2)
    assert stream.getvalue() == ''


def test_the_documented_json_is_the_json(tmp_path: Path) -> None:
    """The examples in docs/cli.md are what comes out of the flight that they describe."""
    flight_footer = footer(
        {'fdr': totals(3), 'imu': totals(6)}, segment_count=2, rollover_count=1, rolled_off=3
    )
    data = segment(
        [
            own(1, dropped(0, {'imu': 2, 'fdr': 1}, rolled_off=3)),
            *records('imu', range(2, 6)),
            own(2, flight_footer),
        ],
        first=3,
        flight_footer=flight_footer,
    )
    directory = write_flight(tmp_path, {1: data}, flight_footer=flight_footer)
    info = inspect_flight(directory).to_json()
    (flight,) = list_flights(tmp_path)
    there = {'directory': '/data/flights/flight-a'}
    text = json.dumps(info).replace(str(directory), there['directory'])
    assert documented('fdr info') == json.loads(text)
    assert documented('fdr info of a root') == {'flights': [{**flight.to_json(), **there}]}


def test_the_documented_causes_are_all() -> None:
    """A loss has no cause that the documentation does not explain."""
    text = (ROOT / 'docs' / 'cli.md').read_text(encoding='utf-8')
    causes = [*LossCause, ELSEWHERE, ROLLED_OFF, UNREADABLE]
    assert [cause for cause in causes if f'\n| `{cause}` |' not in text] == []
