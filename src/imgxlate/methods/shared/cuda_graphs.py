"""Training steps as CUDA graphs: the GPU starts thousands of kernels at once, instead of waiting for each of them.

A graph repeats the same kernels on the same memory. The images and the noise of each step are copied to where the
graphs read them. Work that depends on the number of the step or on its random choices is done between two graphs.
"""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from functools import partial, wraps
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from imgxlate.data.batch import Batch
from imgxlate.methods.protocol import Losses, StepContext

Step = Callable[[Batch, StepContext], Losses]

Work = Callable[[StepContext], None]
"""A part of a step that no graph can hold, such as one that takes random choices from the context."""

_PLAIN_STEPS = 2  # before the one that is recorded; in them torch loads its libraries

_recording: ContextVar["_Recording | None"] = ContextVar("_recording", default=None)


class Graphed(Protocol):
    """A training whose steps may be replayed."""

    _graphs: "StepGraphs"


_Training = TypeVar("_Training", bound=Graphed)


def graphed(
    train_step: Callable[[_Training, Batch, StepContext], Losses],
) -> Callable[[_Training, Batch, StepContext], Losses]:
    """Let a training step be replayed from CUDA graphs, where that is possible. Its results stay the same."""

    @wraps(train_step)
    def run(training: _Training, batch: Batch, context: StepContext) -> Losses:
        return training._graphs.run(partial(train_step, training), batch, context)

    return run


def between_graphs(work: Work, context: StepContext) -> None:
    """Do `work` at this point of the step, and of every step that replays it.

    It may read tensors that the step has computed, and write into tensors that the step reads afterwards.
    """
    recording = _recording.get()
    if recording:
        recording.interrupt(work)
    else:
        work(context)


class StepGraphs:
    """The graphs of a training's step on `device`.

    On a CUDA device the third step is recorded, and replayed from then on; all batches must have one shape. Steps are
    computed as usual on other devices, with compiled networks, with several processes, and if the graphs do not fit
    into memory.
    """

    def __init__(self, device: torch.device, *, compiled: bool) -> None:
        self._device = device
        self._possible = device.type == "cuda" and not compiled
        self._plain_steps = 0
        self._recording: _Recording | None = None

    def run(self, step: Step, batch: Batch, context: StepContext) -> Losses:
        """Take a step. Returns its losses."""
        if self._recording is None and self._may_record(context):
            self._recording = self._record(step, batch, context)
        if self._recording:
            return self._recording.replay(batch, context)
        self._plain_steps += 1
        return step(batch, context)

    def _may_record(self, context: StepContext) -> bool:
        return self._possible and self._plain_steps >= _PLAIN_STEPS and context.group.size == 1

    def _record(self, step: Step, batch: Batch, context: StepContext) -> "_Recording | None":
        torch.cuda.synchronize(self._device)
        torch.cuda.empty_cache()  # The graphs take as much memory as a step, and share none with other computations.
        try:
            return _Recording(self._device, step, batch, context)
        except torch.OutOfMemoryError:
            self._possible = False
            return None


class _Recording:
    """The graphs of a step, and the work between them. The recording itself computes nothing."""

    def __init__(self, device: torch.device, step: Step, batch: Batch, context: StepContext) -> None:
        self._stream = torch.cuda.current_stream(device)
        self._batch = replace(batch, a=batch.a.clone(), b=batch.b.clone())
        self._noise: list[Tensor] = []  # in the order of the draws
        self._graphs: list[torch.cuda.CUDAGraph] = []
        self._work: list[Work] = []  # after each graph but the last
        self._memory = torch.cuda.graph_pool_handle()
        token = _recording.set(self)
        with torch.cuda.stream(torch.cuda.Stream(device)):  # type: ignore[no-untyped-call]
            self._begin_graph()
            try:
                losses = step(self._batch, replace(context, noise=self._reserve_noise))
                self._names, self._losses = tuple(losses), torch.stack([*losses.values()])
            finally:
                _recording.reset(token)
                self._graphs[-1].capture_end()

    def replay(self, batch: Batch, context: StepContext) -> Losses:
        """Take the step on the images of `batch`. Returns its losses."""
        self._batch.a.copy_(batch.a)
        self._batch.b.copy_(batch.b)
        for noise in self._noise:
            noise.copy_(context.noise(noise.shape[1:]))
        for graph, work in zip(self._graphs, self._work, strict=False):
            graph.replay()
            work(context)
        self._graphs[-1].replay()
        return dict(zip(self._names, self._losses.clone(), strict=True))

    def interrupt(self, work: Work) -> None:
        """End a graph and begin the next, with `work` between them."""
        self._graphs[-1].capture_end()
        self._work.append(work)
        self._begin_graph()

    def _begin_graph(self) -> None:
        graph = torch.cuda.CUDAGraph()
        # The thread that loads images may use the device meanwhile.
        graph.capture_begin(pool=self._memory, capture_error_mode="thread_local")
        self._graphs.append(graph)

    def _reserve_noise(self, shape: Sequence[int]) -> Tensor:
        # Not in the memory of the graphs, where results from before the draw may have the same place.
        with torch.cuda.stream(self._stream):
            self._noise.append(torch.empty(len(self._batch.a), *shape, device=self._batch.a.device))
        return self._noise[-1]
