"""The workloads in the peers' own formats, each with its defaults or what its guide recommends for local disks."""

import os


def mds(workload, folder):
    from streaming import MDSWriter

    kind = "float32" if workload.name == "a" else "uint8"
    columns = {"x": f"ndarray:{kind}:{workload.shape[0]}"}
    with MDSWriter(out=os.path.join(folder, "mds"), columns=columns, size_limit="64mb") as writer:
        for block in workload.blocks(folder):
            for row in block:
                writer.write({"x": row})


def wds(workload, folder):
    import webdataset

    os.makedirs(os.path.join(folder, "wds"))
    pattern = os.path.join(folder, "wds", "s-%05d.tar")
    with webdataset.ShardWriter(pattern, maxcount=10**9, maxsize=64e6, verbose=0) as writer:
        number = 0
        for block in workload.blocks(folder):
            for row in block:
                writer.write({"__key__": f"{number:07d}", "x.bin": row.tobytes()})
                number += 1


def grain(workload, folder):
    from array_record.python import array_record_module

    os.makedirs(os.path.join(folder, "grain"))
    shard, writer, number = max(1, workload.samples // 20), None, 0
    for block in workload.blocks(folder):
        for row in block:
            if number % shard == 0:
                if writer:
                    writer.close()
                path = os.path.join(folder, "grain", f"s-{number // shard:05d}.array_record")
                writer = array_record_module.ArrayRecordWriter(path, "group_size:1,uncompressed")
            writer.write(row.tobytes())
            number += 1
    writer.close()


def lance(workload, folder):
    import lance as library
    import pyarrow

    fixed = workload.name == "a"
    kind = pyarrow.list_(pyarrow.float32(), workload.shape[0]) if fixed else pyarrow.binary()
    schema = pyarrow.schema([("x", kind)])

    def batches():
        for block in workload.blocks(folder):
            if fixed:
                column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(block.reshape(-1)), workload.shape[0])
            else:
                column = pyarrow.array([row.tobytes() for row in block], pyarrow.binary())
            yield pyarrow.record_batch([column], schema=schema)

    path = os.path.join(folder, "lance", "d.lance")
    library.write_dataset(batches(), path, schema=schema, max_rows_per_file=max(1, workload.samples // 20))


def _records(block):
    for row in block:
        yield row.tobytes()


class _Blocks:
    """A picklable function from the number of a block to its records."""

    def __init__(self, workload, folder, step):
        self.workload, self.folder, self.step = workload, folder, step

    def __call__(self, first):
        import numpy

        count = min(self.step, self.workload.samples - first)
        with open(self.workload.path(self.folder), "rb") as file:
            file.seek(first * self.workload.bytes_each)
            block = numpy.frombuffer(file.read(count * self.workload.bytes_each), self.workload.dtype)
        yield from _records(block.reshape(count, -1))


def lit(workload, folder):
    import litdata

    step = max(1, (16 << 20) // workload.bytes_each)
    litdata.optimize(
        fn=_Blocks(workload, folder, step),
        inputs=list(range(0, workload.samples, step)),
        output_dir=os.path.join(folder, "lit"),
        chunk_bytes="64MB",
        num_workers=1,
        mode="overwrite",
    )


def squirrel(workload, folder):
    from squirrel.serialization import MessagepackSerializer
    from squirrel.store import SquirrelStore

    store = SquirrelStore(os.path.join(folder, "squirrel"), serializer=MessagepackSerializer())
    shard = max(1, (60 << 20) // workload.bytes_each)
    waiting, number = [], 0
    for block in workload.blocks(folder):
        waiting += [{"x": row.tobytes()} for row in block]
        while len(waiting) >= shard:
            store.set(value=waiting[:shard], key=f"s_{number:05d}")
            waiting, number = waiting[shard:], number + 1
    if waiting:
        store.set(value=waiting, key=f"s_{number:05d}")
