"""Drives an engine through docker-py; prints `fine` at the end. Arguments: address [ca certificate key]."""
import sys

import docker

address, *material = sys.argv[1:]
tls = None
if material:
    ca, certificate, key = material
    tls = docker.tls.TLSConfig(client_cert=(certificate, key), ca_cert=ca, verify=True)
client = docker.DockerClient(base_url=address, tls=tls, timeout=60)
assert client.ping()
assert client.version()["ApiVersion"] == "1.51"
assert "busybox:latest" in [tag for image in client.images.list() for tag in image.tags]
assert client.containers.run("busybox", ["echo", "hi"], remove=True) == b"hi\n"
try:
    client.containers.run("busybox", ["sh", "-c", "exit 3"], remove=True)
    raise SystemExit("exit code 3 was not told")
except docker.errors.ContainerError as error:
    assert error.exit_status == 3, error
container = client.containers.run("busybox", ["sleep", "1000"], detach=True, name="from-python")
result = container.exec_run(["sh", "-c", "echo out; echo err >&2; exit 5"], demux=True)
assert (result.exit_code, result.output) == (5, (b"out\n", b"err\n")), result
container.reload()
assert container.status == "running"
assert list(client.events(since=0, until=1, decode=True)) == []
container.remove(force=True)
listing = client.containers.list(all=True)
assert listing == [], listing
container = client.containers.create("busybox", ["cat"], stdin_open=True)
raw = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
container.start()
wire = getattr(raw, "_sock", raw)
wire.sendall(b"typed\n")
head = b""
while len(head) < 8 + 6:
    piece = wire.recv(64)
    assert piece, head
    head += piece
assert head[8:] == b"typed\n", head
raw.close()
assert container.logs() == b"typed\n"
container.remove(force=True)
print("fine")
