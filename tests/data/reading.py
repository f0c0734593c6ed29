"""Read batches as training does: print the workers, then the digest of a batch for each line of input."""

import hashlib
import multiprocessing
import os
import signal
import sys
from pathlib import Path


def main(data_a, data_b, workers):
    from imgxlate.data.config import DataConfig
    from imgxlate.data.folders import find
    from imgxlate.data.loader import open_batches

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: os.write(1, b"signal\n"))
    config = DataConfig(new_size=20, crop_height=16, crop_width=12, workers=int(workers))
    with open_batches(find(Path(data_a), Path(data_b)), config, seed=0, batch_size=2) as batches:
        print(*(process.pid for process in multiprocessing.active_children()), flush=True)
        for _ in sys.stdin:
            batch = next(batches)
            print(hashlib.sha256(batch.a.numpy().tobytes() + batch.b.numpy().tobytes()).hexdigest(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
