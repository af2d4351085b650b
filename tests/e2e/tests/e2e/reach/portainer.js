// Asks an engine for what Portainer's pages and its proxy ask for; prints `fine` at the end. Argument: a socket's path. The fields
// are those of dockerd 28.5.2 in its order, as far as they are there at all.
'use strict';
const assert = require('node:assert');
const http = require('node:http');

const socketPath = process.argv[2];
const agent = new http.Agent({ keepAlive: true });

// The proxy hands requests on without a version, with the browser's headers, on connections that it keeps.
function ask(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { Accept: 'application/json, text/plain, */*', 'Accept-Encoding': 'gzip, deflate', 'X-Forwarded-For': '192.0.2.7' };
    const content = body === undefined ? undefined : JSON.stringify(body);
    if (content !== undefined) Object.assign(headers, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(content) });
    const request = http.request({ socketPath, method, path, headers, agent }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        const bytes = Buffer.concat(parts);
        let json;
        try { json = JSON.parse(bytes); } catch { json = undefined; }
        resolve({ status: answer.statusCode, headers: answer.headers, bytes, json });
      });
    });
    request.on('error', reject);
    request.end(content);
  });
}
async function get(path) {
  const answer = await ask('GET', path);
  assert.strictEqual(answer.status, 200, `${path}: ${answer.bytes}`);
  return answer.json;
}
async function post(path, body, status = 204) {
  const answer = await ask('POST', path, body);
  assert.strictEqual(answer.status, status, `${path}: ${answer.status} ${answer.bytes}`);
  return answer.json;
}
// The container's streams through a connection that is upgraded, as the proxy's websockets have them.
function upgraded(path, body, typed, wanted) {
  return new Promise((resolve, reject) => {
    const content = body === undefined ? '' : JSON.stringify(body);
    const headers = { Connection: 'Upgrade', Upgrade: 'tcp', 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(content) };
    const request = http.request({ socketPath, method: 'POST', path, headers });
    request.on('response', (answer) => reject(new Error(`${path}: ${answer.statusCode} instead of 101`)));
    request.on('error', reject);
    request.on('upgrade', (answer, socket, head) => {
      assert.strictEqual(answer.headers.upgrade, 'tcp');
      let seen = head.toString();
      const look = () => { if (seen.includes(wanted)) { socket.destroy(); resolve(seen); } };
      socket.on('data', (part) => { seen += part; look(); });
      socket.on('end', () => reject(new Error(`${path}: ${JSON.stringify(seen)}`)));
      socket.write(typed);
      look();
    });
    request.end(content);
  });
}
// A websocket's handshake, one masked frame of text, and what comes back.
function websocket(path, typed, wanted) {
  return new Promise((resolve, reject) => {
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': Buffer.alloc(16, 7).toString('base64'), Origin: 'http://d' };
    const request = http.request({ socketPath, path, headers });
    request.on('response', (answer) => reject(new Error(`${path}: ${answer.statusCode} instead of 101`)));
    request.on('error', reject);
    request.on('upgrade', (answer, socket, head) => {
      assert.strictEqual(answer.headers['sec-websocket-accept'] !== undefined, true);
      const data = Buffer.from(typed);
      socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | data.length, 0, 0, 0, 0]), data]));
      let seen = head.toString('latin1');
      const look = () => { if (seen.includes(wanted)) { socket.destroy(); resolve(); } };
      socket.on('data', (part) => { seen += part.toString('latin1'); look(); });
      socket.on('end', () => reject(new Error(`${path}: ${JSON.stringify(seen)}`)));
      look();
    });
    request.end();
  });
}
const has = (what, value, names) => {
  const order = Object.keys(value).filter((key) => names.includes(key));
  assert.deepStrictEqual(order, names, `${what}: ${Object.keys(value)}`);
};

async function main() {
  const ping = await ask('GET', '/_ping');
  assert.strictEqual(ping.bytes.toString(), 'OK');
  for (const header of ['api-version', 'ostype', 'builder-version', 'server', 'docker-experimental', 'cache-control', 'pragma']) {
    assert.ok(ping.headers[header], `${header} is not among ${JSON.stringify(ping.headers)}`);
  }
  has('version', await get('/version'), ['Platform', 'Components', 'Version', 'ApiVersion', 'MinAPIVersion', 'GitCommit', 'GoVersion', 'Os', 'Arch', 'KernelVersion', 'BuildTime']);
  const info = await get('/info');
  has('info', info, [
    'ID', 'Containers', 'ContainersRunning', 'ContainersPaused', 'ContainersStopped', 'Images', 'Driver', 'DriverStatus', 'Plugins', 'MemoryLimit',
    'SwapLimit', 'CpuCfsPeriod', 'CpuCfsQuota', 'CPUShares', 'CPUSet', 'PidsLimit', 'IPv4Forwarding', 'Debug', 'NFd', 'OomKillDisable',
    'NGoroutines', 'SystemTime', 'LoggingDriver', 'CgroupDriver', 'CgroupVersion', 'NEventsListener', 'KernelVersion', 'OperatingSystem', 'OSVersion',
    'OSType', 'Architecture', 'IndexServerAddress', 'RegistryConfig', 'NCPU', 'MemTotal', 'GenericResources', 'DockerRootDir', 'HttpProxy', 'HttpsProxy',
    'NoProxy', 'Name', 'Labels', 'ExperimentalBuild', 'ServerVersion', 'Runtimes', 'DefaultRuntime', 'Swarm', 'LiveRestoreEnabled', 'Isolation',
    'InitBinary', 'ContainerdCommit', 'RuncCommit', 'InitCommit', 'SecurityOptions', 'CDISpecDirs', 'Warnings',
  ]);
  assert.strictEqual(info.Swarm.LocalNodeState, 'inactive');
  for (const path of ['/swarm', '/services', '/nodes', '/tasks', '/secrets', '/configs']) {
    assert.strictEqual((await ask('GET', path)).status, 503, path);
  }

  // A stack's container as the form sends it.
  const since = Math.floor(Date.now() / 1000) - 1;
  await post('/volumes/create', { Name: 'page-volume', Driver: 'local', DriverOpts: {}, Labels: { 'io.portainer.accesscontrol.users': 'me' } }, 201);
  await post('/networks/create', { Name: 'page-net', Driver: 'bridge', IPAM: { Config: [] }, Internal: false, Attachable: true, Labels: {} }, 201);
  const { Id } = await post('/containers/create?name=page', {
    Image: 'busybox', Env: ['A=b'], Cmd: ['sh'], MacAddress: '', ExposedPorts: { '80/tcp': {} }, Entrypoint: null, WorkingDir: '', User: '', Tty: true,
    OpenStdin: true, Volumes: { '/data': {} }, Labels: {}, name: 'page',
    HostConfig: {
      RestartPolicy: { Name: 'unless-stopped' }, PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '18099' }] }, PublishAllPorts: false,
      Binds: ['page-volume:/data'], AutoRemove: false, NetworkMode: 'page-net', Privileged: false, Init: false, Runtime: null, ExtraHosts: [],
      Devices: [], DeviceRequests: [], CapAdd: ['CHOWN'], CapDrop: ['MKNOD'], Sysctls: {}, LogConfig: { Type: '', Config: {} }, ShmSize: 67108864,
      Memory: 0, MemoryReservation: 0, NanoCpus: 0,
    },
    NetworkingConfig: { EndpointsConfig: { 'page-net': { IPAMConfig: { IPv4Address: '', IPv6Address: '' } } } },
  }, 201);
  await post(`/containers/${Id}/start`, {});
  const rows = await get('/containers/json?all=1&size=1&filters=%7B%7D');
  has('a row', rows[0], ['Id', 'Names', 'Image', 'ImageID', 'Command', 'Created', 'Ports', 'SizeRootFs', 'Labels', 'State', 'Status', 'HostConfig', 'NetworkSettings', 'Mounts']);
  assert.ok(rows[0].Ports.some((port) => port.PublicPort === 18099 && port.IP === '0.0.0.0'), JSON.stringify(rows[0].Ports));
  const whole = await get(`/containers/${Id}/json`);
  has('inspect', whole, [
    'Id', 'Created', 'Path', 'Args', 'State', 'Image', 'ResolvConfPath', 'HostnamePath', 'HostsPath', 'LogPath', 'Name', 'RestartCount', 'Driver',
    'Platform', 'MountLabel', 'ProcessLabel', 'AppArmorProfile', 'ExecIDs', 'HostConfig', 'GraphDriver', 'Mounts', 'Config', 'NetworkSettings',
  ]);
  assert.strictEqual(whole.NetworkSettings.Networks['page-net'].DNSNames[0], 'page');

  // The console, the attached terminal, and both of a websocket.
  const exec = await post(`/containers/${Id}/exec`, { AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: true, User: '', Cmd: ['sh'], Id }, 201);
  await upgraded(`/exec/${exec.Id}/start`, { Detach: false, Tty: true }, 'echo con$((1+1))\n', 'con2');
  assert.strictEqual((await ask('POST', `/exec/${exec.Id}/resize?h=30&w=90`)).status < 500, true);
  has('an exec', await get(`/exec/${exec.Id}/json`), ['ID', 'Running', 'ExitCode', 'ProcessConfig', 'OpenStdin', 'OpenStderr', 'OpenStdout', 'CanRemove', 'ContainerID', 'DetachKeys', 'Pid']);
  await upgraded(`/containers/${Id}/attach?stdin=1&stdout=1&stderr=1&stream=1`, undefined, 'echo att$((2+2))\n', 'att4');
  await post(`/containers/${Id}/resize?h=40&w=100`, undefined, 200);
  await websocket(`/containers/${Id}/attach/ws?stream=1&stdin=1&stdout=1&stderr=1`, 'echo web$((3+3))\n', 'web6');

  const logs = await ask('GET', `/containers/${Id}/logs?since=0&stderr=1&stdout=1&tail=100&timestamps=1`);
  assert.match(logs.bytes.toString(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /);
  assert.match(logs.bytes.toString(), /con2|att4|web6/);
  const stats = await get(`/containers/${Id}/stats?stream=false`);
  has('stats', stats, ['name', 'id', 'read', 'preread', 'pids_stats', 'blkio_stats', 'num_procs', 'storage_stats', 'cpu_stats', 'precpu_stats', 'memory_stats', 'networks']);
  has('cpu', stats.cpu_stats, ['cpu_usage', 'system_cpu_usage', 'online_cpus', 'throttling_data']);
  assert.ok(stats.precpu_stats.cpu_usage.total_usage > 0, 'two readings');
  has('a network', stats.networks.eth0, ['rx_bytes', 'rx_packets', 'rx_errors', 'rx_dropped', 'tx_bytes', 'tx_packets', 'tx_errors', 'tx_dropped']);
  assert.deepStrictEqual((await get(`/containers/${Id}/top`)).Titles, ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);

  // The other pages.
  const df = await get('/system/df');
  has('df', df, ['LayersSize', 'Images', 'Containers', 'Volumes', 'BuildCache']);
  assert.strictEqual(df.Volumes.find((volume) => volume.Name === 'page-volume').UsageData.RefCount, 1);
  const dangling = await get(`/volumes?filters=${encodeURIComponent('{"dangling":["true"]}')}`);
  const used = await get(`/volumes?filters=${encodeURIComponent('{"dangling":["false"]}')}`);
  const names = (list) => (list.Volumes ?? []).map((volume) => volume.Name);
  assert.deepStrictEqual([names(dangling).includes('page-volume'), names(used).includes('page-volume')], [false, true]);
  has('a volume', used.Volumes[0], ['CreatedAt', 'Driver', 'Labels', 'Mountpoint', 'Name', 'Options', 'Scope']);
  const networks = await get('/networks');
  const own = networks.find((network) => network.Name === 'page-net');
  has('a network', own, ['Name', 'Id', 'Created', 'Scope', 'Driver', 'EnableIPv4', 'EnableIPv6', 'IPAM', 'Internal', 'Attachable', 'Ingress', 'ConfigFrom', 'ConfigOnly', 'Containers', 'Options', 'Labels']);
  assert.strictEqual((await get(`/networks/${own.Id}`)).Containers[Id].Name, 'page');
  has('an image', (await get('/images/json?all=0'))[0], ['Containers', 'Created', 'Id', 'Labels', 'ParentId', 'RepoDigests', 'RepoTags', 'SharedSize', 'Size']);
  has('a whole image', await get('/images/busybox/json'), ['Id', 'RepoTags', 'RepoDigests', 'Parent', 'Comment', 'Created', 'DockerVersion', 'Author', 'Architecture', 'Os', 'Size', 'GraphDriver', 'RootFS', 'Metadata', 'Config']);
  assert.ok((await get('/images/busybox/history')).length > 0);

  // What its buttons do.
  await post(`/containers/${Id}/rename?name=page-renamed`);
  await post(`/containers/${Id}/update`, { RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } }, 200);
  await post(`/networks/bridge/connect`, { Container: Id }, 200);
  await post(`/networks/bridge/disconnect`, { Container: Id, Force: false }, 200);
  for (const verb of ['pause', 'unpause', 'kill', 'start', 'restart?t=0', 'stop?t=0']) await post(`/containers/${Id}/${verb}`);
  assert.strictEqual((await ask('DELETE', `/containers/${Id}?v=1&force=true`)).status, 204);
  const events = await ask('GET', `/events?since=${since}&until=${Math.floor(Date.now() / 1000) + 1}`);
  const told = events.bytes.toString().split('\n').filter(Boolean).map((line) => JSON.parse(line));
  has('an event', told.find((event) => event.Action === 'rename'), ['status', 'id', 'from', 'Type', 'Action', 'Actor', 'scope', 'time', 'timeNano']);
  const actions = told.filter((event) => event.Type === 'container').map((event) => event.Action.split(':')[0]);
  for (const action of ['create', 'start', 'exec_create', 'exec_start', 'attach', 'resize', 'rename', 'update', 'pause', 'unpause', 'kill', 'die', 'restart', 'stop', 'destroy']) {
    assert.ok(actions.includes(action), `${action} is not among ${actions}`);
  }
  assert.strictEqual((await ask('DELETE', '/volumes/page-volume')).status, 204);
  assert.strictEqual((await ask('DELETE', `/networks/${own.Id}`)).status, 204);
  agent.destroy();
}

main().then(() => { console.log('fine'); process.exit(0); }, (error) => { console.error(error); process.exit(1); });
