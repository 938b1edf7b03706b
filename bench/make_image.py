#!/usr/bin/env python3
"""Writes a docker-save archive of one image for measurements: the same bytes for the same numbers.

    make_image.py OUT.tar [--mib 2048] [--layers 8] [--files 64000] [--compress none|gzip] [--seed 1]

Files lie in folders of 250; most are small, a few are large, and half of the bytes do not compress. The image is
bench/image:1.
"""
import argparse, gzip, hashlib, io, json, random, tarfile


def parts(args):
    """The sizes of the files of one layer: one in fifty has two thirds of the bytes."""
    count, total = args.files // args.layers, (args.mib << 20) // args.layers
    large = max(1, count // 50)
    small = total // 3 // max(1, count - large)
    return [total * 2 // 3 // large if at % 50 == 0 and at // 50 < large else small for at in range(count)]


def layer(args, number):
    """One layer's uncompressed tar."""
    chance = random.Random(args.seed * 1000 + number)
    noise = chance.randbytes(8 << 20)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for at, size in enumerate(parts(args)):
            folder = f"layer{number}/{at // 250:04}"
            if at % 250 == 0:
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, 1_600_000_000
                tar.addfile(entry)
            entry = tarfile.TarInfo(f"{folder}/file{at:06}")
            entry.size, entry.mode, entry.mtime = size, 0o644, 1_600_000_000 + at
            half, start = size // 2, chance.randrange(len(noise) // 2)
            random_half = (noise[start:] * (half // (len(noise) // 2) + 1))[:half]
            plain_half = (b"%08d the quick brown fox " % at * (size // 20 + 1))[: size - half]
            tar.addfile(entry, io.BytesIO(random_half + plain_half))
    return out.getvalue()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("out")
    for name, default in (("mib", 2048), ("layers", 8), ("files", 64000), ("seed", 1)):
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--compress", choices=["none", "gzip"], default="none")
    args = options.parse_args()
    diff_ids, paths = [], []
    with tarfile.open(args.out, "w") as archive:

        def add(name, data):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))

        for number in range(args.layers):
            data = layer(args, number)
            diff_ids.append("sha256:" + hashlib.sha256(data).hexdigest())
            paths.append(f"layer{number}/layer.tar")
            add(paths[-1], gzip.compress(data, 6, mtime=0) if args.compress == "gzip" else data)
        history = [{"created": "2020-01-01T00:00:00Z", "created_by": f"layer {at}"} for at in range(args.layers)]
        config = json.dumps({"architecture": "amd64", "os": "linux", "created": "2020-01-01T00:00:00Z",
                             "config": {"Cmd": ["/bin/sh"]}, "history": history,
                             "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
        name = hashlib.sha256(config).hexdigest() + ".json"
        add(name, config)
        add("manifest.json", json.dumps([{"Config": name, "RepoTags": ["bench/image:1"], "Layers": paths}]).encode())


if __name__ == "__main__":
    main()
