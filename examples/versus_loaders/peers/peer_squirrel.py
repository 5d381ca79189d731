"""Squirrel over packed shards of 60 MiB, with buffers of 100 shards and 1,000 samples."""

import numpy

from workload import BATCH, Workload


class Peer:
    def write(self, w, option):
        from squirrel.serialization import MessagepackSerializer
        from squirrel.store import SquirrelStore

        w = Workload(w)

        def write():
            store = SquirrelStore(w.path("squirrel"), serializer=MessagepackSerializer())
            shard, waiting, number = max(1, (60 << 20) // w.bytes_each), [], 0
            for row in w.rows():
                waiting.append({"x": row.tobytes()})
                if len(waiting) == shard:
                    store.set(value=waiting, key=f"s_{number:05d}")
                    waiting, number = [], number + 1
            if waiting:
                store.set(value=waiting, key=f"s_{number:05d}")

        return w.written(write)

    def epoch(self, w, option):
        from squirrel.driver import MessagepackDriver

        w = Workload(w)
        driver = MessagepackDriver(w.path("squirrel"))

        def batches():
            waiting = []
            for sample in driver.get_iter(shuffle_key_buffer=100, shuffle_item_buffer=1000, max_workers=2):
                waiting.append(w.array(sample["x"]))
                if len(waiting) == BATCH:
                    yield numpy.stack(waiting)
                    waiting = []
            if waiting:
                yield numpy.stack(waiting)

        return w.epoch(batches)
