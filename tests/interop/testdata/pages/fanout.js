// The broadcast of fanout.hcl, as pages get it.
import { act, attempt, closes, equal, open, params, refused, run } from './page.js';

const protocol = 'feed.v1.json';
const address = (token) => params.url + (token ? `?access_token=${token}` : '');
const token = (kind) => act('token', kind);
const listen = async () => open(address(await token('valid')), protocol);

// joined resolves when all get what is broadcast. What was sent before is
// taken then.
async function joined(listeners) {
  while (!listeners.every((ws) => ws.unread())) await publish({ peer: 'are you there?' });
  await publish({ peer: 'last' });
  for (const ws of listeners) while (JSON.parse(await ws.next()).peer !== 'last');
}

const publish = (data, type = 'message') => act('publish', JSON.stringify({ type, data }));

let soonOver;

await run({
  async 'no more than twenty connections from one address'() {
    const listeners = [];
    while (listeners.length < 20) listeners.push(await listen());
    await refused(address(await token('valid')), protocol);
    await closes(listeners.pop(), 1000);
    for (;;) { // the edge may learn of it later than we do
      const ws = attempt(address(await token('valid')), protocol);
      if (await ws.opened) { listeners.push(ws); break; }
    }
    for (const ws of listeners) await closes(ws, 1000);
  },
  async 'a token that will not hold for long is good until then'() {
    soonOver = await open(address(await token('short')), protocol);
  },
  async 'all get what the feed says, slimmed down'() {
    const listeners = [await listen(), await listen(), await listen()];
    for (const ws of listeners) equal(ws.protocol, protocol, 'the sub-protocol');
    await joined(listeners);
    await publish({ timestamp: 1.50, peer: '192.0.2.1', host: 'rrc00', path: [1, 2] });
    await publish({ timestamp: 0 }, 'pong');
    await publish({ timestamp: 2, peer: 'ü', host: 'rrc99' });
    for (const ws of listeners) {
      equal(await ws.next(), '{"ts":1.5,"peer":"192.0.2.1","region":"ams"}');
      equal(await ws.next(), '{"ts":2,"peer":"ü","region":"other"}');
      await closes(ws, 1000);
    }
  },
  async 'a page says which sub-protocols it speaks, the edge chooses'() {
    const ws = await open(address(await token('valid')), ['feed.v2.json', protocol]);
    equal(ws.protocol, protocol, 'the sub-protocol');
    await closes(ws, 1000);
    await refused(address(await token('valid')), ['feed.v2.json']);
  },
  async 'without a token that holds nobody is let in'() {
    await refused(address(), protocol);
    for (const kind of ['expired', 'for others', 'forged']) await refused(address(await token(kind)), protocol);
  },
  async 'who says too much is closed with 1008'() {
    const ws = await listen();
    for (let i = 0; i < 1000; i++) ws.send(JSON.stringify(i));
    const { code, reason } = await ws.closed; // wasClean tells whether all of it was sent
    equal([code, reason], [1008, 'more is sent than limits.messages_per_second allows']);
  },
  async 'the connection ends with its token, and says so'() {
    equal(await soonOver.closed, { code: 1008, reason: 'token expired', wasClean: true });
  },
  async 'an edge that ends says 1001'() {
    const ws = await listen();
    await act('terminate');
    equal(await ws.closed, { code: 1001, reason: 'server is shutting down', wasClean: true });
  },
});
