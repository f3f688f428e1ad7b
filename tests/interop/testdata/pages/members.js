// A page of members, who show who they are in the ways that a page has.
import { closes, equal, open, params, run } from './page.js';

const cookie = (text) => { document.cookie = `${text}; Domain=example.org; Secure; SameSite=Strict`; };
const ada = () => open(params.url, ['chat', 'bearer.ada-key']);

async function ask(ws, leave) {
  ws.send(JSON.stringify({ leave }));
  return JSON.parse(await ws.next());
}

await run({
  async 'a sub-protocol tells who one is, and nobody behind the door'() {
    const ws = await ada();
    equal(ws.protocol, 'chat', 'the sub-protocol');
    equal(await ask(ws), { sub: 'ada', offered: 'chat', key: null });
    await closes(ws, 1000);
  },
  async 'so does a cookie'() {
      cookie('key=bob-key');
    const ws = await open(params.url, 'chat');
    equal(await ask(ws), { sub: 'bob', offered: 'chat', key: null });
    await closes(ws, 1000);
    cookie('key=; Max-Age=0');
  },
  async 'who is nobody is told why'() {
    for (const protocols of [['chat'], ['chat', 'bearer.guess']]) {
      const ws = await open(params.url, protocols);
      const { error, message } = JSON.parse(await ws.next());
      equal(error, protocols.length === 1 ? 'credentials_missing' : 'credentials_invalid');
      equal(await ws.closed, { code: 1008, reason: message, wasClean: true });
    }
  },
  async 'a new connection takes the place of the old one'() {
    const [before, after] = [await ada(), await ada()];
    equal(await before.closed, { code: 4409, reason: 'replaced by a new connection', wasClean: true });
    equal((await ask(after)).sub, 'ada');
    await closes(after, 1000);
  },
  async 'the flow closes with a code, or cuts'() {
    let ws = await ada();
    equal((await ask(ws, { code: 4001, reason: 'so long, ü' })).sub, 'ada');
    equal(await ws.closed, { code: 4001, reason: 'so long, ü', wasClean: true });
    ws = await ada();
    ws.send(JSON.stringify({ leave: { abort: true } }));
    equal(await ws.closed, { code: 1006, reason: '', wasClean: false });
  },
  async 'a page can ping'() {
    const ws = await ada();
    ws.send('ping');
    equal(await ws.next(), 'pong');
    await closes(ws, 1000);
  },
});
