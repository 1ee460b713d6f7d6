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
Whole flights that were interrupted or damaged, and what is left of them once they are in order.

Each row of the table says how many records survive; then mcap, rosbags and a reader by hand agree
about them, a second recovery changes nothing, and the root takes a new flight. What can be damaged
within one file is tested byte by byte with salvage.
"""

from __future__ import annotations

from contextlib import suppress
import errno
import random
import shutil
import tracemalloc
from typing import TYPE_CHECKING

from bag_reader import metadata_of
from failing_calls import FailingCalls
from fdr_node.config import KIB, MIB
from fdr_node.schema import FlightFooter
from fdr_node.storage import listed, mcap_format, repair
from fdr_node.storage.compression import LZ4, ZSTD
from fdr_node.storage.recovery import plan_recovery, recover
from mcap_bytes import records_of
from on_disk import open_descriptors, tree
from power_cut import CallLog
import pytest
from rigs import DiskRig, FLIGHT_ID
from rosbags.rosbag2 import Reader
from sudden_death import Killed, SuddenDeath
from wrecks import (
    ALL,
    chunk_places,
    CHUNKS,
    closed_flight,
    Files,
    flipped,
    IN_CHUNK,
    judge,
    killed_flight,
    last_commit_bytes,
    METADATA,
    name_of,
    OPEN_END_BYTES,
    patched,
    plan_of,
    put,
    records_in,
    recover_flight,
    repeated_flight,
    SEGMENTS,
    seqs_of,
    Span,
    torn_flight,
    without,
)
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fdr_node.storage.salvage import Salvage

SECTOR_BYTES = 512
GARBAGE = bytes(range(256)) * 20
FIRST, MIDDLE, LAST = (name_of(index) for index in range(SEGMENTS))


def footer_in(directory: Path) -> FlightFooter:
    """Return the footer in the metadata of a flight."""
    custom_data = metadata_of(directory)['custom_data']
    assert isinstance(custom_data, dict)
    return FlightFooter.from_json(custom_data['fdr_flight_footer'])


# --- the table

# What happens, the records that survive, and whether a loss is told.
if TYPE_CHECKING:
    Row = tuple[Callable[[Files], None], list[int], bool]


def damage(index: int, chunk: int) -> Callable[[Files], None]:
    """Turn a bit in the data of a chunk round."""

    def edit(files: Files) -> None:
        data = files[name_of(index)]
        files[name_of(index)] = flipped(data, chunk_places(data)[chunk].data.start + 7)

    return edit


def zeros(index: int, chunk: int) -> Row:
    """Return the row of a zeroed sector, in which a chunk begins; it may touch the one before."""
    data = closed_flight()[name_of(index)]
    start = chunk_places(data)[chunk].whole.start // SECTOR_BYTES * SECTOR_BYTES
    sector = Span(start, start + SECTOR_BYTES)
    lost = [
        seq
        for place in chunk_places(data)
        if place.crc.overlaps(sector) or place.data.overlaps(sector)
        for seq in place.seqs
    ]

    def edit(files: Files) -> None:
        files[name_of(index)] = patched(files[name_of(index)], start, bytes(SECTOR_BYTES))

    return edit, [seq for seq in ALL if seq not in lost], True


def flip(index: int, offset: int) -> Callable[[Files], None]:
    """Turn one bit round; negative offsets count from the end."""

    def edit(files: Files) -> None:
        data = files[name_of(index)]
        files[name_of(index)] = flipped(data, offset % len(data))

    return edit


def flip_record(index: int, opcode: int, place: int) -> Callable[[Files], None]:
    """Turn a bit in a record round."""

    def edit(files: Files) -> None:
        data = files[name_of(index)]
        record = next(item for item in records_of(data) if item.opcode == opcode)
        files[name_of(index)] = flipped(data, record.offset + place)

    return edit


def remove(*names: str) -> Callable[[Files], None]:
    """Remove files."""

    def edit(files: Files) -> None:
        for name in names:
            del files[name]

    return edit


def write(name: str, content: bytes) -> Callable[[Files], None]:
    """Put something else in a file."""

    def edit(files: Files) -> None:
        files[name] = content

    return edit


def cut(name: str, *, keep: float) -> Callable[[Files], None]:
    """Cut a file off; keep a part of it."""

    def edit(files: Files) -> None:
        files[name] = files[name][: int(keep * len(files[name]))]

    return edit


def cut_chunk(index: int, chunk: int) -> Callable[[Files], None]:
    """Cut a segment off in the middle of a chunk."""

    def edit(files: Files) -> None:
        place = chunk_places(files[name_of(index)])[chunk].whole
        files[name_of(index)] = files[name_of(index)][: (place.start + place.end) // 2]

    return edit


def list_as(edit_names: Callable[[list[str]], list[str]]) -> Callable[[Files], None]:
    """Let ``metadata.yaml`` list other files."""

    def edit(files: Files) -> None:
        text = yaml.safe_load(files[METADATA])
        bag = text['rosbag2_bagfile_information']
        bag['relative_file_paths'] = edit_names(bag['relative_file_paths'])
        files[METADATA] = yaml.safe_dump(text).encode()

    return edit


def forget(key: str) -> Callable[[Files], None]:
    """Let ``metadata.yaml`` lack a key."""

    def edit(files: Files) -> None:
        text = yaml.safe_load(files[METADATA])
        del text['rosbag2_bagfile_information'][key]
        files[METADATA] = yaml.safe_dump(text).encode()

    return edit


def minus(*chunks: tuple[int, int]) -> list[int]:
    """Return all records but those of some chunks, counted without the one of the header."""
    return [seq for seq in ALL if divmod(seq // IN_CHUNK, CHUNKS) not in chunks]


TABLE: dict[str, Row] = {
    'nothing': (remove(), ALL, False),
    'bit in a chunk of the first segment': (damage(0, 2), minus((0, 1)), True),
    'bit in a chunk of the middle segment': (damage(1, 1), minus((1, 1)), True),
    'bit in a chunk of the last segment': (damage(2, 0), minus((2, 0)), True),
    'bit in the first chunk': (damage(0, 0), ALL, True),  # it has the flight header alone
    'zeros in the first segment': zeros(0, 2),
    'zeros in the middle segment': zeros(1, 1),
    'zeros in the last segment': zeros(2, 2),
    'bit in the magic': (flip(1, 1), ALL, False),
    'bit in the header': (flip_record(1, 0x01, 12), ALL, False),
    'bit in the length of the header': (flip_record(1, 0x01, 2), ALL, False),
    'bit in the schema': (flip_record(1, 0x03, 200), ALL, False),
    'bit in the channel': (flip_record(1, 0x04, 30), ALL, False),
    'bit in the flight header': (flip_record(1, 0x0C, 60), ALL, False),
    'bit in the opcode of a chunk': (flip_record(1, 0x06, 0), ALL, False),
    'bit in the length of a chunk': (flip_record(1, 0x06, 1), ALL, False),
    'bit in the times of a chunk': (flip_record(1, 0x06, 12), ALL, False),
    'bit in the CRC of a chunk': (flip_record(1, 0x06, 34), minus((1, 0)), True),
    'bit in a message index': (flip_record(1, 0x07, 20), ALL, False),
    'bit in the length of a message index': (flip_record(1, 0x07, 1), ALL, False),
    'bit in the end of the data': (flip_record(1, 0x0F, 10), ALL, False),
    'bit in the statistics': (flip_record(1, 0x0B, 10), ALL, False),
    'bit in a chunk index': (flip_record(1, 0x08, 20), ALL, False),
    'bit in the footer': (flip(1, -20), ALL, False),
    'bit in the last magic': (flip(1, -1), ALL, False),
    'first segment missing': (remove(FIRST), without(0), True),
    'middle segment missing': (remove(MIDDLE), without(1), True),
    'last segment missing': (remove(LAST), without(2), True),
    'first segment empty': (write(FIRST, b''), without(0), True),
    'middle segment empty': (write(MIDDLE, b''), without(1), True),
    'last segment empty': (write(LAST, b''), without(2), True),
    'first segment garbage': (write(FIRST, GARBAGE), without(0), True),
    'middle segment garbage': (write(MIDDLE, GARBAGE), without(1), True),
    'last segment garbage': (write(LAST, GARBAGE), without(2), True),
    'middle segment zeros': (write(MIDDLE, bytes(9000)), without(1), True),
    'first segment cut': (cut_chunk(0, 2), minus((0, 1), (0, 2)), True),
    'middle segment cut': (cut_chunk(1, 1), minus((1, 1), (1, 2)), True),
    'last segment cut': (cut_chunk(2, 2), minus((2, 2)), True),
    'metadata missing': (remove(METADATA), ALL, False),
    'metadata empty': (write(METADATA, b''), ALL, False),
    'metadata garbage': (write(METADATA, GARBAGE), ALL, False),
    'metadata no map': (write(METADATA, b'- a\n- b\n'), ALL, False),
    'metadata with a date that is none': (write(METADATA, b'a: 2026-02-31\n'), ALL, False),
    'metadata too deep': (write(METADATA, b'[' * 5000), ALL, False),
    'metadata cut': (cut(METADATA, keep=0.5), ALL, False),
    'metadata without a key': (forget('ros_distro'), ALL, False),
    'metadata without the times': (forget('files'), ALL, False),
    'metadata lists too much': (list_as(lambda names: [*names, name_of(3)]), ALL, True),
    'metadata lists too little': (list_as(lambda names: names[:-1]), ALL, False),
    'metadata lists in another order': (list_as(lambda names: names[::-1]), ALL, False),
    'a rest of a list': (write(METADATA + '.tmp', b'rosbag2'), ALL, False),
    'a rest of a repair': (write(MIDDLE + '.torn', b'tail'), ALL, False),
    'a rest of a copy': (write(MIDDLE + '.copy', b'half of it'), ALL, False),
}


@pytest.mark.parametrize('row', TABLE)
def test_what_is_left_of_a_closed_flight(row: str, quick_path: Path) -> None:
    """Its footer is kept, too: what was recorded once is still known."""
    edit, survivors, has_loss = TABLE[row]
    files = closed_flight()
    edit(files)
    directory = put(files, quick_path)
    plan = recover_flight(directory)
    assert bool(plan.losses) == has_loss, plan.losses
    judge(directory, survivors)
    assert footer_in(directory).clean_shutdown == (
        not {METADATA, LAST} <= files.keys() - closed_flight().keys()
    )


# What is in the other files does not change with it, and where sectors begin is another matter.
COMPRESSED_ROWS = [row for row in TABLE if not row.startswith(('zeros', 'metadata', 'a rest'))]


@pytest.mark.parametrize('row', COMPRESSED_ROWS)
def test_what_is_left_of_a_compressed_flight(row: str, quick_path: Path) -> None:
    """The same as of any other, closed or killed."""
    edit, survivors, has_loss = TABLE[row]
    for flight, compression in ((closed_flight, LZ4), (killed_flight, ZSTD)):
        directory = quick_path / flight.__name__
        directory.mkdir()
        files = flight(compression)
        edit(files)
        bag = put(files, directory)
        plan = recover_flight(bag)
        assert bool(plan.losses) == has_loss, plan.losses
        judge(bag, survivors)


@pytest.mark.parametrize('row', TABLE)
def test_what_is_left_of_a_killed_flight(row: str, quick_path: Path) -> None:
    """The same, but that its last segment is open and has no summary."""
    edit, survivors, has_loss = TABLE[row]
    files = killed_flight()
    edit(files)
    directory = put(files, quick_path)
    plan = recover_flight(directory)
    assert bool(plan.losses) == has_loss, plan.losses
    judge(directory, survivors)
    assert not footer_in(directory).clean_shutdown


def test_a_flight_of_which_nothing_is_left_keeps_its_header(quick_path: Path) -> None:
    """All segments were deleted: the bag is empty, and can be opened."""
    files = {METADATA: closed_flight()[METADATA]}
    directory = put(files, quick_path)
    plan = recover_flight(directory)
    assert plan.losses == [f'segments 0 to {SEGMENTS - 1} are missing']
    metadata = metadata_of(directory)
    assert (metadata['message_count'], metadata['relative_file_paths']) == (0, [])
    assert footer_in(directory).records_written == len(ALL) + 2
    with Reader(directory) as reader:
        assert list(reader.messages()) == []
    assert plan_of(directory).is_listed


def test_a_directory_without_anything_is_left_as_it_is(quick_path: Path) -> None:
    """A recorder was gone before its first segment was there."""
    directory = put({}, quick_path)
    plan = recover_flight(directory)
    assert (plan.is_in_order, plan.losses, tree(directory)) == (True, [], {})


# --- what was torn


@pytest.mark.parametrize('written_bytes', range(0, last_commit_bytes() + 1, 23))
@pytest.mark.parametrize('is_thorough', [False, True])
def test_a_commit_that_was_torn(
    written_bytes: int, quick_path: Path, *, is_thorough: bool
) -> None:
    """All records up to the commit before are there, and those of this one if they are whole."""
    directory = put(torn_flight(written_bytes), quick_path)
    footer = plan_of(directory, is_thorough=not is_thorough).footer
    assert recover_flight(directory, is_thorough=is_thorough).footer == footer
    records = records_in(directory)
    assert records in (ALL, [*ALL, len(ALL), len(ALL) + 1])
    judge(directory, records)


@pytest.mark.fault
@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_commit_that_was_torn_at_any_byte(quick_path: Path) -> None:
    """The same, for every byte of the last two records; the next flight was tried with some."""
    index_bytes = mcap_format.message_index_bytes(2)
    whole_bytes = last_commit_bytes() - OPEN_END_BYTES - index_bytes
    for written_bytes in range(last_commit_bytes() + 1):
        directory = put(torn_flight(written_bytes), made(quick_path / str(written_bytes)))
        recover_flight(directory, is_thorough=False)
        more = [len(ALL), len(ALL) + 1] if written_bytes >= whole_bytes else []
        assert records_in(directory) == [*ALL, *more], written_bytes
        assert plan_of(directory).is_in_order, written_bytes
        shutil.rmtree(directory)


def test_a_recovery_takes_no_more_than_what_it_cuts_off(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On disk, beside a list that is about to be replaced and the end of a segment."""
    directory = put(torn_flight(200), quick_path)
    sizes = []

    def measure() -> None:
        sizes.append(sum(map(len, tree(directory).values())))

    measure()
    with monkeypatch.context() as patch:
        FailingCalls(patch, measure)
        plan = recover_flight(directory)
    cut_bytes = plan.segments[-1].cut_bytes
    assert 0 < cut_bytes <= 200
    measure()
    metadata_bytes = len((directory / METADATA).read_bytes())
    assert max(sizes) <= max(sizes[0], sizes[-1]) + cut_bytes + metadata_bytes


def test_a_recovery_takes_little_memory(tmp_path: Path) -> None:
    """However long the segment is: one chunk at a time, and an index of all of them."""
    rig = DiskRig(tmp_path, {'segment_bytes_max': 16 * MIB, 'flight_bytes_max': 64 * MIB})
    rig.open_flight()
    rig.write(range(90), payload_bytes=128 * KIB)
    rig.recorder.commit()
    files = tree(rig.directory)
    rig.recorder.close_flight()
    directory = put(files, made(tmp_path / 'other'))
    tracemalloc.start()
    try:
        assert recover_flight(directory).segments[0].verdict == 'torn'
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(map(len, files.values())) > 11 * MIB
    assert peak_bytes < 4 * MIB
    assert len(records_in(directory)) == 90


def test_a_segment_that_was_just_begun_is_nothing_lost(quick_path: Path) -> None:
    """A kill in a cut leaves any part of its beginning, in which no record can have been."""
    directory = put(killed_flight(), quick_path)
    begun = directory / name_of(SEGMENTS)
    data = (directory / LAST).read_bytes()
    for written_bytes in range(0, chunk_places(data)[0].whole.start + 1, 61):
        begun.write_bytes(data[:written_bytes])
        plan = plan_of(directory, is_thorough=False)
        assert [item.verdict for item in plan.segments][2:] == ['torn', 'empty'], written_bytes
        assert plan.losses == []
    recover(plan)
    assert sorted(tree(directory)) == [FIRST, MIDDLE, LAST, METADATA]


@pytest.mark.parametrize('own', range(CHUNKS))
@pytest.mark.parametrize('is_thorough', [False, True])
def test_what_stands_in_two_segments_is_kept_once(
    own: int, quick_path: Path, *, is_thorough: bool
) -> None:
    """The commit was written again in a new segment, and the disk refused to cut the old one."""
    directory = put(repeated_flight(own), quick_path)
    plan = recover_flight(directory, is_thorough=is_thorough)
    third = 'torn' if own else 'repeated'
    assert [item.verdict for item in plan.segments] == ['intact', 'intact', third, 'torn']
    assert (plan.losses, footer_in(directory).records_written) == ([], len(ALL) + 1)
    judge(directory, ALL)


def test_what_the_next_segment_does_not_have_is_kept(quick_path: Path) -> None:
    """Of a segment that was left after a failed sync, and of one whose next one is damaged."""
    files = repeated_flight(2)
    files[name_of(SEGMENTS)] = files[name_of(SEGMENTS)].replace(b'imu_1 32', b'imu_1 99')
    directory = put(files, quick_path)
    plan = recover_flight(directory)
    assert [item.verdict for item in plan.segments][2:] == ['torn', 'unreadable']
    judge(directory, ALL)


def test_the_footer_of_an_interrupted_flight_tells_what_is_known(quick_path: Path) -> None:
    """The end of the last record is that of the flight; counts are of what can be read."""
    directory = put(killed_flight(), quick_path)
    plan = recover_flight(directory)
    footer = footer_in(directory)
    chunks = [
        place
        for index in range(SEGMENTS)
        for place in chunk_places(killed_flight()[name_of(index)])
    ]
    assert footer == FlightFooter(
        flight_id=FLIGHT_ID,
        end_utc='2026-01-31T12:00:02.036000Z',
        end_wall_ns=1_769_860_802_036_000_000,
        end_monotonic_ns=902_036_000_000,
        records_written=len(ALL) + 1,
        bytes_written=sum(place.message_index.end - place.whole.start for place in chunks),
        segment_count=SEGMENTS,
        clean_shutdown=False,
        producers_omitted=2,
    )
    assert [item.verdict for item in plan.segments] == ['intact', 'intact', 'torn']
    assert plan.losses == []


def test_only_what_was_not_closed_is_read_at_a_start(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what a repair may have left half done; a damage elsewhere waits for a thorough look."""
    files = killed_flight()
    damage(0, 2)(files)
    directory = put(files, quick_path)
    (directory / (MIDDLE + '.copy')).write_bytes(b'')
    examined = []
    examine = repair.examine

    def noted(path: Path, progress: Callable[[int], None]) -> Salvage:
        examined.append(path.name)
        return examine(path, progress)

    monkeypatch.setattr(repair, 'examine', noted)
    plan = plan_of(directory, is_thorough=False)
    assert examined == [LAST, MIDDLE]
    assert plan.losses == []
    recover(plan)
    assert recover_flight(directory).losses != []


def test_progress_is_told_over_all_segments(quick_path: Path) -> None:
    """Up to the size of them all."""
    directory = put(killed_flight(), quick_path)
    told: list[int] = []
    plan_recovery(directory, progress=told.append)
    assert told == sorted(told)
    sizes = [len(data) for name, data in killed_flight().items() if name != METADATA]
    assert told[-1] == sum(sizes)


def test_a_footer_of_a_segment_that_is_no_json_names_nobody(tmp_path: Path) -> None:
    """The CRC is right, so somebody else has written it."""
    directory = put(killed_flight(), tmp_path)
    path = directory / MIDDLE
    found = repair.examine(path, lambda _: None)
    for text in ('?', '[]', '{"producers": 7}'):
        repair.copy_segment(path, found, beginning={}, end={'fdr_segment_footer': text})
        found = repair.examine(path, lambda _: None)
        footer = FlightFooter.from_json(plan_of(directory, is_thorough=False).footer)
        assert footer.producers_omitted == 2


def test_metadata_that_is_too_long_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written anew."""
    directory = put(closed_flight(), tmp_path)
    monkeypatch.setattr(listed, '_METADATA_BYTES_MAX', 1000)
    assert plan_of(directory).listed == {}
    recover_flight(directory)
    assert tree(directory) == closed_flight()


# --- interrupted


def wrecks() -> dict[str, tuple[Files, list[int]]]:
    """Return flights that need every kind of repair, with the records that survive."""
    torn = torn_flight(200)
    damaged = closed_flight()
    for edit in (damage(0, 2), damage(2, 1), write(MIDDLE, GARBAGE), remove(METADATA)):
        edit(damaged)
    mixed = torn_flight(last_commit_bytes() - OPEN_END_BYTES)
    for edit in (flip(0, 2), cut_chunk(1, 1), write(name_of(3), b'')):
        edit(mixed)
    return {
        'torn': (torn, ALL),
        'damaged': (damaged, [seq for seq in minus((0, 1), (2, 1)) if seq not in seqs_of(1)]),
        'mixed': (mixed, [*minus((1, 1), (1, 2)), len(ALL), len(ALL) + 1]),
        'repeated': (repeated_flight(1), ALL),
    }


def ended(directory: Path) -> dict[str, bytes]:
    """Return a flight once it is in order."""
    recover_flight(directory)
    return tree(directory)


def expected_end(label: str, place: Path) -> dict[str, bytes]:
    """Return a flight as it is after a recovery that nothing interrupts."""
    files, survivors = wrecks()[label]
    directory = put(files, made(place / 'whole'))
    expected = ended(directory)
    assert records_in(directory) == survivors
    assert plan_of(directory).is_in_order
    return expected


@pytest.mark.parametrize(
    'is_torn', [pytest.param(False, marks=[pytest.mark.fault, pytest.mark.long]), True]
)
@pytest.mark.parametrize('label', wrecks())
def test_a_recovery_that_is_killed_is_done_again(
    label: str, quick_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_torn: bool
) -> None:
    """At every system call, with half of a write on disk or none: it ends in the same flight."""
    files, _ = wrecks()[label]
    expected = expected_end(label, quick_path)
    nth = 0
    while True:
        nth += 1
        directory = put(files, made(quick_path / str(nth)))
        with monkeypatch.context() as patch:
            calls = SuddenDeath(patch, nth=nth, is_torn=is_torn)
            with suppress(Killed):
                recover_flight(directory)
        if calls.made < nth:
            break
        assert ended(directory) == expected, nth
        shutil.rmtree(directory)
    assert nth > 15


@pytest.mark.parametrize(
    'number',
    [
        errno.EIO,
        pytest.param(errno.ENOSPC, marks=[pytest.mark.fault, pytest.mark.long]),
        pytest.param(errno.EROFS, marks=[pytest.mark.fault, pytest.mark.long]),
    ],
)
@pytest.mark.timeout(120)
@pytest.mark.parametrize('label', wrecks())
def test_a_recovery_that_the_disk_refuses_is_done_again(
    label: str, number: int, quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every system call: it says so, or does without, and ends in the same flight later."""
    files, _ = wrecks()[label]
    expected = expected_end(label, quick_path)
    descriptors = open_descriptors()
    nth = 0
    while True:
        nth += 1
        directory = put(files, made(quick_path / str(nth)))
        with monkeypatch.context() as patch:
            calls = FailingCalls(patch)
            calls.tear_writes()
            calls.fail('', nth=nth, number=number)
            with suppress(OSError):
                recover_flight(directory)
        if len(calls.made) < nth:
            break
        assert ended(directory) == expected, nth
        assert open_descriptors() == descriptors
        shutil.rmtree(directory)
    assert nth > 15


# Of what a cut may leave at each system call, so much is drawn.
DRAWS = 1
LONG = [pytest.mark.fault, pytest.mark.long]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize('draws', [DRAWS, pytest.param(20 * DRAWS, marks=LONG)])
@pytest.mark.parametrize('is_ordered', [True, False], ids=['ordered', 'not ordered'])
@pytest.mark.parametrize('label', wrecks())
def test_a_recovery_whose_power_is_cut_is_done_again(
    label: str, draws: int, quick_path: Path, *, is_ordered: bool
) -> None:
    """At every system call, whatever came of what was not synced: no record is less."""
    files, survivors = wrecks()[label]
    directory = put(files, made(quick_path / 'root'))
    with pytest.MonkeyPatch.context() as patch:
        log = CallLog(patch, quick_path / 'root')
        recover_flight(directory)
    assert len(log.steps) - log.given > 10
    for steps in range(log.given, len(log.steps) + 1):
        for draw in range(draws):
            chance = random.Random(f'{steps} {draw}')  # noqa: S311 - repeatable, and no secret
            root = quick_path / f'{steps} {draw}'
            log.rebuild(root, steps=steps, chance=chance, is_ordered=is_ordered)
            recover_flight(root / FLIGHT_ID)
            assert records_in(root / FLIGHT_ID) == survivors, (steps, draw)
            assert plan_of(root / FLIGHT_ID).is_in_order
            shutil.rmtree(root)


def made(path: Path) -> Path:
    """Make a directory."""
    path.mkdir()
    return path
