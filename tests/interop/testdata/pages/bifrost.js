// A page that runs a client of Bifrost's documentation, which stands at
// params.client, and waits until it has printed what it shall. Each step is what
// the test is to do, if anything, and what the client prints then.
import { act, params, run } from './page.js';

const printed = [];
let look = () => {};
for (const level of ['log', 'error']) {
  console[level] = (...args) => {
    printed.push(args.map(String).join(' '));
    look();
  };
}
const prints = (text) => new Promise((resolve, reject) => {
  look = () => {
    if (printed.some((line) => new RegExp(text).test(line))) resolve();
  };
  setTimeout(() => reject(new Error(`it prints ${JSON.stringify(printed)}`)), 120_000);
  look();
});

// Half a minute between two pings is as good as three tenths of a second.
const every = window.setInterval;
window.setInterval = (f, ms) => every(f, ms / 100);

// What the page of the documentation leaves to its readers.
window.handleEvent = ({ type }) => console.log(`event ${type}`);

const client = document.createElement('script');
client.src = params.client;
document.head.append(client);

await run(Object.fromEntries(JSON.parse(params.steps).map(([deed, text]) => [text, async () => {
  if (deed) await act(deed);
  await prints(text);
}])));
