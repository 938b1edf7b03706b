"""dive's figures of the images of a docker-archive, computed with Python's tarfile and nothing of imgtool.

Trees are dictionaries of names; every step is the slow and literal one: for each whiteout all lower layers are stacked
again. Prints a JSON object for each image.
"""

import io
import json
import posixpath
import sys
import tarfile


class Node:
    def __init__(self):
        self.children, self.size, self.is_dir = {}, 0, False

    def copy(self):
        other = Node()
        other.size, other.is_dir = self.size, self.is_dir
        other.children = {name: child.copy() for name, child in self.children.items()}
        return other

    def total(self):
        return self.size + sum(child.total() for child in self.children.values())


def add(root, names, size, is_dir):
    node = root
    for name in names:
        if name not in node.children:
            if name.startswith(".wh..wh.."):
                return
            node.children[name] = Node()
        node = node.children[name]
    node.size, node.is_dir = size, is_dir


def get(root, names):
    node = root
    for name in names:
        node = node.children.get(name)
        if node is None:
            return None
    return node


def walk(node, names=()):
    for name in sorted(node.children, key=lambda name: name.encode("utf-8", "surrogateescape")):
        yield from walk(node.children[name], (*names, name))
    if names:
        yield names, node


def shown(names):
    last = names[-1]
    return (*names[:-1], last[4:] if last.startswith(".wh.") else last)


def stack(lower, upper):
    for names, node in walk(upper):
        if names[-1].startswith(".wh."):
            parent = get(lower, shown(names)[:-1])
            if parent is not None:
                parent.children.pop(shown(names)[-1], None)
        else:
            add(lower, names, node.size, node.is_dir)


def stacked(trees, upto):
    tree = trees[0].copy()
    for one in trees[: upto + 1]:
        stack(tree, one)
    return tree


def read(layer):
    root, total = Node(), 0
    if not layer.getbuffer().nbytes:
        # A tar of no bytes at all, which some tools write for a layer of nothing.
        return root, total
    for member in tarfile.open(fileobj=layer, mode="r:*"):
        name = posixpath.normpath(member.name)
        if name.lstrip("/") in ("", "."):
            continue
        size = member.size if member.isreg() else 0
        total += size
        add(root, [part for part in name.split("/") if part], size, member.isdir())
    return root, total


def text(names):
    """A path; what is no UTF-8 is escaped, as imgtool does."""
    return ("/" + "/".join(names)).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def figures(trees, sizes):
    seen, twice = {}, []
    for index, tree in enumerate(trees):
        for names, node in walk(tree):
            if node.children:
                continue
            size = node.size
            if names[-1].startswith(".wh."):
                before = get(stacked(trees, index - 1), shown(names))
                if before is None:
                    break
                size = before.total() if before.is_dir else 0
            one = seen.setdefault(shown(names), [])
            one.append(size)
            if len(one) == 2:
                twice.append(shown(names))
    least, total = sum(min(one) for one in seen.values()), sum(sum(one) for one in seen.values())
    files = [{"count": len(seen[names]), "sizeBytes": sum(seen[names]), "file": text(names)} for names in twice]
    return {
        "efficiencyScore": least / total if total else 1,
        "sizeBytes": sum(sizes),
        "userSizeBytes": sum(sizes[1:]),
        "inefficientBytes": sum(file["sizeBytes"] for file in files),
        "fileReference": sorted(files, key=lambda file: file["sizeBytes"])[::-1],
    }


def main(path):
    archive = tarfile.open(path)
    for image in json.load(archive.extractfile("manifest.json")):
        layers = [read(io.BytesIO(archive.extractfile(name).read())) for name in image["Layers"]]
        print(json.dumps(figures([tree for tree, _ in layers], [size for _, size in layers])))


main(sys.argv[1])
