"""Stand-ins for the public images that foreign suites name, out of target/test-images, as an unpacked docker-archive: what
moby's tests look for in /docker-frozen-images, and what `tar -cC OUT . | docker load` takes.

Usage: images.py TEST_IMAGES OUT. Every tag is an image of its own, so that a test that removes one leaves the others.
"""

import hashlib
import io
import json
import os
import sys
import tarfile

GREETING = (
    "\nHello from Docker!\n"
    "This message shows that your installation appears to be working correctly.\n"
)
TAGS = {
    "busybox": ["latest", "glibc", "1.36", "1.35", "1.27.2", "musl", "uclibc", "1"],
    "alpine": ["latest", "3.10", "3.12", "3.18", "3.20", "3"],
    "debian": ["bookworm-slim"],
}

archives, out = sys.argv[1:]
os.makedirs(out, exist_ok=True)
manifest = []


def keep(name, data):
    path = os.path.join(out, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def image(tags, layers, config, **platform):
    """Adds an image; `created` differs from image to image, and with it the id."""
    diffs = [hashlib.sha256(layer).hexdigest() for layer in layers]
    created = "2023-11-14T22:13:%02dZ" % len(manifest)
    document = {
        "architecture": "amd64",
        "os": "linux",
        "created": created,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + diff for diff in diffs]},
        "history": [{"created": created, "created_by": "/bin/sh -c #(nop) ADD stand-in"} for _ in diffs],
        **platform,
    }
    text = json.dumps(document).encode()
    name = hashlib.sha256(text).hexdigest() + ".json"
    keep(name, text)
    for diff, layer in zip(diffs, layers):
        keep(diff + "/layer.tar", layer)
    manifest.append({"Config": name, "RepoTags": tags, "Layers": [diff + "/layer.tar" for diff in diffs]})


def read(name):
    with tarfile.open(os.path.join(archives, name + ".tar")) as archive:
        members = {os.path.normpath(member.name): member for member in archive}
        content = lambda path: archive.extractfile(members[path]).read()
        described = json.loads(content("manifest.json"))[0]
        config = json.loads(content(described["Config"]))["config"]
        return [content(layer) for layer in described["Layers"]], config


def greeting(name):
    """A program that greets, as a script on busybox's shell."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        text = ("#!/bin/sh\ncat <<'END'\n%sEND\n" % GREETING).encode() + b"# " + name.encode() + b"\n"
        entry = tarfile.TarInfo("hello")
        entry.size, entry.mode = len(text), 0o755
        layer.addfile(entry, io.BytesIO(text))
    return buffer.getvalue()


def read_in(name, layers):
    """A file of an image, by its topmost layer that has it."""
    for layer in reversed(layers):
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            for member in archive:
                if os.path.normpath(member.name) == name and member.isfile():
                    return archive.extractfile(member).read()
    return b""


def upstream(layers):
    """What the suites look for in the public busybox and alpine: users, groups, /var/opt."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        directory = tarfile.TarInfo("var/opt")
        directory.type, directory.mode = tarfile.DIRTYPE, 0o755
        layer.addfile(directory)
        for name, line in [
            ("etc/passwd", b"postgres:x:70:70::/var/lib/postgresql:/bin/sh\n"),
            ("etc/group", b"wheel:x:10:root\naudio:x:29:\nstaff:x:50:\npostgres:x:70:\n"),
        ]:
            text = read_in(name, layers) + line
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o644
            layer.addfile(entry, io.BytesIO(text))
    return buffer.getvalue()


for name, tags in TAGS.items():
    layers, config = read(name)
    if name != "debian":
        layers = layers + [upstream(layers)]
    for tag in tags:
        image(["%s:%s" % (name, tag)], layers, config)
busybox, config = read("busybox")
hello = {**config, "Cmd": ["/hello"]}
image(["hello-world:latest", "hello-world:frozen", "hello-world:amd64"], busybox + [greeting("amd64")], hello)
image(["hello-world:arm64"], busybox + [greeting("arm64")], hello, architecture="arm64", variant="v8")
image(["arm32v7/hello-world:latest"], busybox + [greeting("arm")], hello, architecture="arm", variant="v7")
keep("manifest.json", json.dumps(manifest).encode())
