// A page that may not connect.
import { params, refused, run } from './page.js';

await run({
  async 'it is not let in, and not told why'() {
    await refused(params.url, params.protocol ?? []);
  },
});
