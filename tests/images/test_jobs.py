import threading
from pathlib import Path

import pytest

from imgxlate.errors import BatchError, ImageError, OutputError
from imgxlate.images.inputs import Source
from imgxlate.images.jobs import require_no_failures, stream_jobs
from imgxlate.images.outputs import Job

PATIENCE = 60  # seconds until a missing event fails the test


@pytest.fixture
def jobs():
    return [Job(Source(Path(name)), ()) for name in ("a.png", "b.png", "c.png")]


def name(job):
    return job.source.name


def double(job, text):
    yield text + "1"
    yield text + "2"


def stream(jobs, read=name, compute=double, write=lambda output: None, **options):
    return stream_jobs(jobs, read, compute, write, inputs=len(jobs), **options)


def test_outputs_are_written_in_their_order(jobs):
    written, progress = [], []
    stream(jobs, write=written.append, on_progress=lambda done, job: progress.append((done, name(job))))
    assert written == ["a.png1", "a.png2", "b.png1", "b.png2", "c.png1", "c.png2"]
    assert [done for done, _ in progress] == [0, 1, 1, 2, 2, 3]


def test_the_next_input_is_read_during_the_computation(jobs):
    begun = {name(job): threading.Event() for job in jobs}

    def read(job):
        begun[name(job)].set()
        return name(job)

    def compute(job, text):
        assert text == name(job)
        position = jobs.index(job)
        for following in jobs[position + 1 : position + 2]:
            assert begun[name(following)].wait(PATIENCE)
        assert not any(begun[name(later)].is_set() for later in jobs[position + 2 :])
        yield text

    assert stream(jobs, read, compute) == []


def test_an_output_is_written_while_the_next_is_computed(jobs):
    computed = threading.Semaphore(0)
    written = []

    def compute(job, text):
        computed.release()
        yield text

    def write(output):
        for _ in range(1 if output == "c.png" else 2):  # its own computation, and that of the next
            assert computed.acquire(timeout=PATIENCE)
        written.append(output)
        computed.release()

    stream(jobs, compute=compute, write=write)
    assert written == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize("part", ["read", "compute", "write"])
def test_a_failure_belongs_to_its_input_and_the_others_are_done(jobs, part):
    written, reported = [], []

    def fail(which, text):
        if which == part and text.startswith("b"):
            raise ImageError("b.png", f"does not {part}")

    def read(job):
        fail("read", name(job))
        return name(job)

    def compute(job, text):
        fail("compute", text)
        yield text

    def write(text):
        fail("write", text)
        written.append(text)

    failures = stream(jobs, read, compute, write, on_failure=reported.append)
    assert failures == [f"b.png: does not {part}"]
    assert [str(error) for error in reported] == failures
    assert written == ["a.png", "c.png"]
    with pytest.raises(BatchError, match=f"1 of 3 inputs failed, the others are done:\n  b.png: does not {part}"):
        require_no_failures(failures, inputs=3)


def test_an_output_that_cannot_be_written_ends_the_batch(jobs):
    written = []

    def write(output):
        if output.startswith("a"):
            raise OutputError("the disk is full")
        written.append(output)

    with pytest.raises(OutputError, match="the disk is full"):
        stream(jobs, write=write)
    assert written == []


def test_a_write_that_has_begun_is_completed_after_an_interrupt(jobs):
    interrupted = threading.Event()
    written = []

    def compute(job, text):
        yield text
        interrupted.set()
        raise KeyboardInterrupt

    def write(output):
        assert interrupted.wait(PATIENCE)
        written.append(output)

    with pytest.raises(KeyboardInterrupt):
        stream(jobs, compute=compute, write=write)
    assert written == ["a.png"]


def test_standard_input_is_read_in_the_main_thread():
    threads = {}

    def read(job):
        threads[name(job)] = threading.current_thread() is threading.main_thread()
        return name(job)

    stream([Job(Source(path), ()) for path in (Path("a.png"), None, Path("b.png"))], read)
    assert threads == {"a.png": True, "-": True, "b.png": False}
