/**
 * Prints the digest of everything that each shipped policy decides, in the
 * lines of `tests/digests.txt`. `node guest/web/digests.mjs` computes them in
 * Node, with `--chromium` in a page of a real browser.
 */

import { digest, text } from './digest.js';
import { Policy } from './keyrule.js';
import { shipped } from './read.mjs';

/** The lines for the policies of these names. */
export async function digests(names) {
  const lines = [];
  for (const name of names) {
    const policy = await Policy.load(name, [await shipped(name)]);
    lines.push(`${await digest(text(policy))}  ${name}.toml\n`);
  }
  return lines.join('');
}

/** The same, from a page. */
async function inChromium(names) {
  const [{ start }, { serve }] = await Promise.all([import('./chromium.mjs'), import('./serve.mjs')]);
  const server = await serve();
  const browser = await start();
  try {
    const page = await browser.open(`${server.url}guest/web/example.html`);
    return await page.evaluate(
      `import('./digests.mjs').then(({ digests }) => digests(${JSON.stringify(names)}))`);
  } finally {
    await browser.close();
    await server.close();
  }
}

if (globalThis.process?.argv[1]?.endsWith('digests.mjs')) {
  const { readdir } = await import('node:fs/promises');
  const files = (await readdir(new URL('../../policies', import.meta.url))).sort();
  const names = files.filter((file) => file.endsWith('.toml') && !file.endsWith('.test.toml')).map((file) => file.slice(0, -5));
  const run = process.argv[2] === '--chromium' ? inChromium : digests;
  process.stdout.write(await run(names));
}
