"""Grain over ArrayRecord files; the option is the number of worker processes."""

import glob
import os

from workload import BATCH, SEED, Workload


class Peer:
    def write(self, w, option):
        from array_record.python import array_record_module

        w = Workload(w)

        def write():
            os.makedirs(w.path("grain"))
            shard, writer = max(1, w.samples // 20), None
            for number, row in enumerate(w.rows()):
                if number % shard == 0:
                    if writer:
                        writer.close()
                    path = w.path(f"grain/s-{number // shard:05d}.array_record")
                    writer = array_record_module.ArrayRecordWriter(path, "group_size:1,uncompressed")
                writer.write(row.tobytes())
            writer.close()

        return w.written(write)

    def epoch(self, w, option):
        import grain.python as grain

        try:
            from absl import flags

            flags.FLAGS(["versus_loaders"])
        except Exception:
            pass
        w = Workload(w)
        source = grain.ArrayRecordDataSource(sorted(glob.glob(w.path("grain/*.array_record"))))
        dataset = grain.MapDataset.source(source).shuffle(seed=SEED).map(w.array)
        dataset = dataset.batch(BATCH, drop_remainder=False)
        ahead = 8 if w.name == "b" else 64
        batches = dataset.to_iter_dataset(grain.ReadOptions(num_threads=16, prefetch_buffer_size=ahead))
        if int(option):
            workers = grain.MultiprocessingOptions(num_workers=int(option), per_worker_buffer_size=2)
            batches = batches.mp_prefetch(workers)
        return w.epoch(lambda: iter(batches))
