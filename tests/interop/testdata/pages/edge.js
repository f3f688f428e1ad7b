// An edge as a page sees it that may connect.
import { act, closes, equal, open, params, refused, run } from './page.js';

const url = params.url;
const text = (bytes) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
const bytes = (text) => new TextEncoder().encode(text);

async function who(...args) {
  const ws = await open(...args);
  ws.send('"who"');
  const answer = JSON.parse(await ws.next());
  await closes(ws, 1000);
  return answer;
}

await run({
  async 'compression is agreed on'() {
    const ws = await open(url);
    equal(ws.extensions, {
      off: '',
      no_context_takeover: 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
      context_takeover: 'permessage-deflate',
    }[params.compression], 'what is agreed on');
    await closes(ws, 1000);
  },
  async 'text is answered with text'() {
    const ws = await open(url);
    ws.send('{"b":1,"a":"ü"}');
    equal(await ws.next(), '{"b":1,"a":"ü"}');
    await closes(ws, 1000);
  },
  async 'binary is answered with binary'() {
    const ws = await open(url);
    ws.send(bytes('{"a":"ü"}'));
    ws.send(new Blob(['[1,', '2]']));
    ws.send('3');
    equal(text(await ws.next()), '{"a":"ü"}');
    equal(text(await ws.next()), '[1,2]');
    equal(await ws.next(), '3');
    await closes(ws, 1000);
  },
  async 'long and many'() {
    const ws = await open(url);
    const messages = Array.from({ length: 500 }, (_, i) => JSON.stringify({ i, pad: 'x'.repeat((i * 7919) % 3000) }));
    messages.push(JSON.stringify('y'.repeat(60_000)));
    for (const message of messages) ws.send(message);
    for (const message of messages) equal(await ws.next(), message);
    await closes(ws, 1000);
  },
  async 'a close is answered with its code'() {
    for (const code of [1000, 3000, 4999]) await closes(await open(url), code, 'so long, ü');
    await closes(await open(url));
  },
  async 'a message that is too long ends in 1009'() {
    const ws = await open(url);
    ws.send(JSON.stringify('z'.repeat(64 << 10)));
    const { code, reason } = await ws.closed; // wasClean tells whether all of it was sent
    equal([code, reason], [1009, 'a message is longer than max_message']);
  },
  async 'a page is known by its origin, its cookies and its query'() {
    document.cookie = 'host=mine';
    document.cookie = 'theme=dark; Domain=example.org; Secure';
    await act('cookie');
    equal(await who(`${url}?room=1`), {
      cookies: { theme: 'dark', session: 's3cret' },
      origin: location.origin,
      path: '/',
      query: { room: '1' },
      subprotocol: null,
      tls: true,
    });
  },
  async 'a sub-protocol that the edge does not speak is refused'() {
    await refused(url, ['nobody.speaks.this']);
  },
  async 'a server that dies is 1006'() {
    const ws = await open(params.mortal);
    await act('kill');
    equal(await ws.closed, { code: 1006, reason: '', wasClean: false });
  },
  async 'a server that ends says 1001'() {
    const ws = await open(url);
    ws.send('"last"');
    equal(await ws.next(), '"last"');
    await act('terminate');
    equal(await ws.closed, { code: 1001, reason: 'server is shutting down', wasClean: true });
    await refused(url);
  },
});
