// Drives an engine through dockerode; prints `fine` at the end. Arguments: a socket's path, or host, port, ca, certificate, key.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { PassThrough, Readable } = require('node:stream');
const Docker = require('dockerode');

const [first, port, ...material] = process.argv.slice(2);
const docker = port
  ? new Docker({
      host: first,
      port,
      protocol: 'https',
      ca: fs.readFileSync(material[0]),
      cert: fs.readFileSync(material[1]),
      key: fs.readFileSync(material[2]),
    })
  : new Docker({ socketPath: first });

const text = async (stream) => {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
};
// Both streams of a multiplexed one, to its end.
const taken = (stream) => {
  const [out, err] = [new PassThrough(), new PassThrough()];
  docker.modem.demuxStream(stream, out, err);
  stream.on('end', () => { out.end(); err.end(); });
  stream.on('close', () => { out.end(); err.end(); });
  return Promise.all([text(out), text(err)]);
};
const until = (stream, wanted) => new Promise((resolve, reject) => {
  let seen = '';
  stream.on('data', (part) => { seen += part; if (seen.includes(wanted)) resolve(seen); });
  stream.on('end', () => reject(new Error(`${JSON.stringify(wanted)} is not in ${JSON.stringify(seen)}`)));
});
const refused = (promise, status, message) =>
  assert.rejects(promise, (error) => error.statusCode === status && error.json.message === message);

async function main() {
  assert.strictEqual((await docker.ping()).toString(), 'OK');
  assert.strictEqual((await docker.version()).ApiVersion, '1.51');
  assert.strictEqual((await docker.info()).OSType, 'linux');

  // Events from here to the end of it all.
  const since = Math.floor(Date.now() / 1000);
  const events = await docker.getEvents({ since, filters: { container: ['node-box'] } });
  let told = '';
  events.on('data', (part) => { told += part; });

  // run: create, attach, start, wait, remove.
  const output = new PassThrough();
  const [ran, container] = await docker.run('busybox', ['sh', '-c', 'echo out; exit 4'], output, { Tty: true });
  assert.strictEqual(ran.StatusCode, 4);
  assert.match(output.read().toString(), /out\r\n/);
  await container.remove();

  // Attach with hijack, both ways, and its end.
  const box = await docker.createContainer({
    Image: 'busybox', name: 'node-box', OpenStdin: true, StdinOnce: true, Cmd: ['sh', '-c', 'cat; echo err >&2'], Labels: { l: 'v' },
    ExposedPorts: { '80/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '0' }] } },
  });
  const attached = await box.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
  const both = taken(attached);
  await box.start();
  assert.strictEqual((await box.inspect()).NetworkSettings.Ports['80/tcp'][0].HostIp, '127.0.0.1');
  attached.write('typed\n');
  attached.end();
  assert.deepStrictEqual(await both, ['typed\n', 'err\n']);
  assert.strictEqual((await box.wait()).StatusCode, 0);
  await assert.rejects(box.stop(), (error) => error.statusCode === 304);
  // docker-modem gives an answer without a length as a buffer, a followed one as a stream.
  const logs = await box.logs({ stdout: true, stderr: true, timestamps: true, tail: 1 });
  assert.match(logs.toString(), /\d{4}-\d\d-\d\dT[\d:.]+Z err\n/);
  await box.rename({ name: 'node-other' });
  await box.rename({ name: 'node-box' });
  await box.update({ Memory: 64 << 20, MemorySwap: -1 });
  assert.strictEqual((await box.inspect()).HostConfig.Memory, 64 << 20);
  await box.remove();
  await refused(docker.getContainer('node-none').inspect(), 404, 'No such container: node-none');

  // A running one: exec, logs that follow, stats, top, files.
  const runs = await docker.createContainer({ Image: 'busybox', name: 'node-runs', Cmd: ['sh', '-c', 'echo begun; exec sleep 1000'] });
  await runs.start();
  const follow = await runs.logs({ follow: true, stdout: true });
  await until(follow, 'begun');
  follow.destroy();
  const exec = await runs.exec({ Cmd: ['sh', '-c', 'cat; echo err >&2; exit 5'], AttachStdin: true, AttachStdout: true, AttachStderr: true });
  const session = await exec.start({ hijack: true, stdin: true });
  const said = taken(session);
  session.end('through exec');
  assert.deepStrictEqual(await said, ['through exec', 'err\n']);
  assert.strictEqual((await exec.inspect()).ExitCode, 5);
  const terminal = await runs.exec({ Cmd: ['stty', 'size'], AttachStdout: true, Tty: true, ConsoleSize: [33, 77] });
  assert.match(await text(await terminal.start({ Tty: true })), /33 77\r\n/);
  const once = await runs.stats({ stream: false });
  assert.ok(once.memory_stats.usage > 0 && once.name === '/node-runs', JSON.stringify(once));
  const stats = await runs.stats({ stream: true });
  await until(stats, '"precpu_stats"');
  stats.destroy();
  assert.deepStrictEqual((await runs.top({ ps_args: 'aux' })).Titles.slice(0, 2), ['USER', 'PID']);
  const archive = await runs.getArchive({ path: '/etc/passwd' });
  const packed = [];
  for await (const part of archive) packed.push(part);
  await runs.putArchive(Buffer.concat(packed), { path: '/tmp' });
  const stat = await runs.infoArchive({ path: '/tmp/passwd' });
  assert.strictEqual(JSON.parse(Buffer.from(stat.headers['x-docker-container-path-stat'], 'base64')).name, 'passwd');
  assert.ok((await runs.changes()).some((change) => change.Path === '/tmp/passwd' && change.Kind === 1));
  const [row] = await docker.listContainers({ filters: { name: ['node-runs'] }, size: true });
  assert.ok(row.State === 'running' && row.SizeRootFs > 0, JSON.stringify(row));
  await runs.pause();
  await runs.unpause();
  await runs.restart({ t: 0 });
  const image = await runs.commit({ repo: 'node-image', tag: 'one', comment: 'said' });
  assert.match(image.Id, /^sha256:/);

  // Images: away and back through archives.
  const saved = path.join(os.tmpdir(), `node-image-${process.pid}.tar`);
  const save = await docker.getImage('node-image:one').get();
  await new Promise((resolve, reject) => save.pipe(fs.createWriteStream(saved)).on('finish', resolve).on('error', reject));
  await docker.getImage('node-image:one').remove();
  const load = await docker.loadImage(fs.createReadStream(saved), { quiet: true });
  assert.match(await text(load), /Loaded image: node-image:one/);
  fs.unlinkSync(saved);
  assert.strictEqual((await docker.getImage('node-image:one').history())[0].Comment, 'said');
  await docker.getImage('node-image:one').tag({ repo: 'node-image', tag: 'two' });
  assert.ok((await docker.listImages()).some((one) => one.RepoTags.includes('node-image:two')));
  const empty = await docker.importImage(Readable.from([Buffer.alloc(1024)]), { repo: 'node-empty', tag: 'x' });
  assert.match(await text(empty), /sha256:/);
  for (const name of ['node-image:one', 'node-image:two', 'node-empty:x']) await docker.getImage(name).remove({ force: true });

  // Networks and volumes.
  const network = await docker.createNetwork({ Name: 'node-net', CheckDuplicate: true, Labels: { l: 'v' } });
  await network.connect({ Container: 'node-runs', EndpointConfig: { Aliases: ['alias'] } });
  assert.ok(Object.values((await network.inspect()).Containers).some((member) => member.Name === 'node-runs'));
  await network.disconnect({ Container: 'node-runs' });
  await network.remove();
  const volume = await docker.createVolume({ Name: 'node-volume', Labels: { l: 'v' } });
  assert.strictEqual((await docker.listVolumes({ filters: { label: ['l=v'] } })).Volumes[0].Name, 'node-volume');
  await docker.getVolume(volume.name ?? volume.Name).remove();
  assert.strictEqual(typeof (await docker.df()).LayersSize, 'number');
  await runs.remove({ force: true, v: true });
  await docker.pruneContainers();

  const actions = () => told.split('\n').filter(Boolean).map((line) => JSON.parse(line)).filter((event) => event.Type === 'container').map((event) => event.Action);
  // The rename away is told of the new name.
  const wanted = ['create', 'attach', 'start', 'die', 'rename', 'update', 'destroy'];
  for (let at = 0; at < 200 && !actions().includes('destroy'); at++) await new Promise((resolve) => setTimeout(resolve, 20));
  events.destroy();
  assert.deepStrictEqual(actions(), wanted);
}

main().then(() => { console.log('fine'); process.exit(0); }, (error) => { console.error(error); process.exit(1); });
