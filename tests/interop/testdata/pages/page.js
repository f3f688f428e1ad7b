// What the pages have in common. A page runs its checks one after the other
// and reports each, with what did not hold, to the server that it came from.
// Then it goes on to the next page, for which that server may let it wait.

export const params = Object.fromEntries(new URLSearchParams(location.search));

async function post(path, body) {
  const answer = await fetch(path, { method: 'POST', body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
  return text;
}

export const report = (line) => post('/report', line);

// act has the test do what a page cannot, and resolves to what it answers.
export const act = (name, text = '') => post(`/act/${name}`, text);

export async function leave() {
  await report('done');
  location.replace('/next');
}

export async function run(checks) {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await Promise.race([check(), late(120_000)]);
      await report(`ok: ${name}`);
    } catch (err) {
      await report(`not ok: ${name}\n${err.stack}`);
    }
  }
  await leave();
}

const late = (ms) => new Promise((_, reject) => setTimeout(() => reject(new Error(`not done after ${ms} ms`)), ms));

// equal compares values as JSON, whose objects must have their keys in the
// same order.
export function equal(got, want, what = 'it') {
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  if (a !== b) throw new Error(`${what} is ${a}, not ${b}`);
}

// attempt connects. Its `opened` resolves to whether that succeeded, `closed`
// to what the page is told at the end, and next() to the next message that is
// not taken yet.
export function attempt(...args) {
  const ws = new WebSocket(...args);
  ws.binaryType = 'arraybuffer';
  const arrived = [], waiting = [];
  ws.closed = new Promise((resolve) => {
    ws.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
  });
  ws.onmessage = ({ data }) => (waiting.length ? waiting.shift()(data) : arrived.push(data));
  ws.next = async () => (arrived.length ? arrived.shift() : Promise.race([
    new Promise((resolve) => waiting.push(resolve)),
    ws.closed.then((end) => { throw new Error(`closed instead of a message: ${JSON.stringify(end)}`); }),
  ]));
  ws.unread = () => arrived.length;
  ws.opened = new Promise((resolve) => {
    ws.onopen = () => resolve(true);
    ws.closed.then(() => resolve(false));
  });
  return ws;
}

export async function open(...args) {
  const ws = attempt(...args);
  if (!await ws.opened) throw new Error(`${args} is not opened: ${JSON.stringify(await ws.closed)}`);
  return ws;
}

// refused expects that the handshake fails. That is all that a page is told,
// whatever the server has answered.
export async function refused(...args) {
  const ws = attempt(...args);
  if (await ws.opened) throw new Error(`${args} is opened`);
  equal(await ws.closed, { code: 1006, reason: '', wasClean: false }, 'the end');
}

// closes ends a connection, with a code or without, and expects the answer.
export async function closes(ws, code, reason) {
  ws.close(...(code ? [code, reason] : []));
  equal(await ws.closed, { code: code ?? 1005, reason: reason ?? '', wasClean: true }, 'the end');
  equal(ws.unread(), 0, 'the number of messages that nobody expected');
}
