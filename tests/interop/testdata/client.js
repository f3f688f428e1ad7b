// Node's `ws` against the echo flow: node client.js URL COMPRESSION
// Prints a line per check; the first that does not hold ends it with code 1.
'use strict';
const assert = require('node:assert/strict');
const WebSocket = require('ws');

const url = process.argv[2], compression = process.argv[3];
setTimeout(() => { console.error('not done after 5 min'); process.exit(1); }, 300_000).unref();

// A connection whose messages are awaited one by one.
function open(options = {}) {
  options = { perMessageDeflate: { threshold: 0 }, ...options };
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, options);
    const arrived = [], waiting = [];
    ws.on('message', (data, isBinary) => {
      const message = { text: data.toString('utf8'), isBinary };
      waiting.length ? waiting.shift()(message) : arrived.push(message);
    });
    ws.next = () => new Promise((got) => (arrived.length ? got(arrived.shift()) : waiting.push(got)));
    ws.closed = new Promise((got) => ws.on('close', (code) => got(code)));
    ws.unread = () => arrived.length;
    ws.on('open', () => resolve(ws));
    ws.on('error', reject);
  });
}

async function leave(ws, code = 1000) {
  ws.close(code);
  assert.equal(await ws.closed, code);
  assert.equal(ws.unread(), 0, 'more replies than messages');
}

const checks = {
  async 'compression is agreed on'() {
    const ws = await open();
    assert.equal(ws.extensions.includes('permessage-deflate'), compression !== 'off', ws.extensions);
    await leave(ws);
  },
  async 'text is answered with text'() {
    const ws = await open();
    ws.send('{"b":1,"a":1.50}\n');
    assert.deepEqual(await ws.next(), { text: '{"b":1,"a":1.50}\n', isBinary: false });
    await leave(ws);
  },
  async 'binary is answered with binary'() {
    const ws = await open();
    ws.send(Buffer.from('{"a":"ü"}\n'));
    assert.deepEqual(await ws.next(), { text: '{"a":"ü"}\n', isBinary: true });
    ws.send('2\n');
    assert.deepEqual(await ws.next(), { text: '2\n', isBinary: false });
    await leave(ws);
  },
  async 'a line may span messages'() {
    const ws = await open();
    for (const part of ['{"a":', '[1,', '2]}', '\n']) ws.send(part);
    assert.equal((await ws.next()).text, '{"a":[1,2]}\n');
    await leave(ws);
  },
  async 'a message may span frames'() {
    const ws = await open();
    ws.send('{"a":', { fin: false });
    ws.send('"fragment', { fin: false });
    ws.send('"}\n', { fin: true });
    assert.equal((await ws.next()).text, '{"a":"fragment"}\n');
    await leave(ws);
  },
  async 'several lines in a message keep their order'() {
    const ws = await open();
    ws.send('1\n"two"\n[3]\n{"4":4}\nnull\n');
    for (const line of ['1\n', '"two"\n', '[3]\n', '{"4":4}\n', 'null\n']) assert.equal((await ws.next()).text, line);
    await leave(ws);
  },
  async 'an empty message is nothing'() {
    const ws = await open();
    ws.send('');
    ws.send('{"a":');
    ws.send('');
    ws.send(Buffer.alloc(0));
    ws.send('1}\n');
    assert.equal((await ws.next()).text, '{"a":1}\n');
    await leave(ws);
  },
  async 'what is not JSON has no answer and harms nothing'() {
    const ws = await open();
    ws.send('nonsense\n1\n');
    assert.equal((await ws.next()).text, '1\n');
    await leave(ws);
  },
  async 'a ping is answered with its payload and is no event'() {
    const ws = await open();
    const pong = new Promise((got) => ws.on('pong', got));
    ws.ping(Buffer.from([0, 1, 2, 255]));
    assert.deepEqual([...await pong], [0, 1, 2, 255]);
    ws.send('{"a":', { fin: false });
    ws.ping('between fragments');
    ws.send('1}\n', { fin: true });
    assert.equal((await ws.next()).text, '{"a":1}\n');
    await leave(ws);
  },
  async 'a close is answered with its code'() {
    for (const code of [1000, 1001, 1008, 1011, 3000, 3001, 4000, 4999]) await leave(await open(), code);
    const ws = await open();
    ws.close(); // without a code
    assert.equal(await ws.closed, 1005);
  },
  async 'long and many'() {
    const ws = await open();
    const lines = Array.from({ length: 2000 }, (_, i) => JSON.stringify({ i, pad: 'x'.repeat((i * 7919) % 3000) }) + '\n');
    lines.push(JSON.stringify('y'.repeat(60_000)) + '\n');
    for (const line of lines) ws.send(line);
    for (const line of lines) assert.equal((await ws.next()).text, line);
    await leave(ws);
  },
  async 'a page of the same host may connect, one of another host may not'() {
    const ws = await open({ origin: url.replace(/^ws/, 'http') });
    await leave(ws);
    await assert.rejects(open({ origin: 'http://elsewhere.example' }), /403/);
  },
  async 'a terminating server says 1001'() {
    const ws = await open();
    ws.send('"last"\n');
    assert.equal((await ws.next()).text, '"last"\n');
    console.log('waiting for the server to end');
    assert.equal(await ws.closed, 1001);
  },
};

(async () => {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
    } catch (err) {
      console.error(`not ok: ${name}\n${err.stack}`);
      process.exit(1);
    }
    console.log(`ok: ${name}`);
  }
})();
