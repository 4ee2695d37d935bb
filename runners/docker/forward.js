// Ports of services, found on localhost: listens in the job's network, and passes on by name.
// Its argument is a JSON list of {service, inside, outside, protocol, ip}. It prints "ready" when it
// listens everywhere, and ends when its standard input does.
const dgram = require('node:dgram');
const net = require('node:net');

const IDLE = 60_000; // milliseconds after which a UDP client is forgotten

function tcp({ service, inside, outside, ip }, listening) {
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const there = net.connect({ host: service, port: inside, allowHalfOpen: true });
    const end = () => { client.destroy(); there.destroy(); };
    client.on('error', end).pipe(there);
    there.on('error', end).pipe(client);
  });
  server.on('error', fail).listen(outside, ip || undefined, listening);
}

function udp({ service, inside, outside, ip }, listening) {
  const clients = new Map();
  const server = dgram.createSocket('udp4');
  const open = (from) => {
    const there = dgram.createSocket('udp4');
    there.on('message', (data) => server.send(data, from.port, from.address));
    there.on('error', () => {});
    return there;
  };
  server.on('error', fail).on('message', (data, from) => {
    const key = `${from.address} ${from.port}`;
    const known = clients.get(key) ?? { socket: open(from) };
    clients.set(key, known);
    clearTimeout(known.timer);
    known.timer = setTimeout(() => { clients.delete(key); known.socket.close(); }, IDLE);
    known.socket.send(data, inside, service);
  });
  server.bind(outside, ip || undefined, listening);
}

function fail(error) {
  console.error(error.message);
  process.exit(1);
}

const ports = JSON.parse(process.argv[1]);
let left = ports.length;
for (const port of ports) {
  (port.protocol === 'udp' ? udp : tcp)(port, () => { if (!--left) console.log('ready'); });
}
process.stdin.on('end', () => process.exit(0)).resume();
