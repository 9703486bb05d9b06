/**
 * Tests of the module in a real browser: `node --test
 * guest/web/test-browser.mjs`, where `chromium` is. They serve this folder on
 * 127.0.0.1 under a policy of contents that allows the engine and no more.
 */

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';

import { start } from './chromium.mjs';
import { serve } from './serve.mjs';

let server;
let browser;
before(async () => {
  server = await serve();
  browser = await start();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** The example, once it shows something. */
async function example() {
  const page = await browser.open(`${server.url}guest/web/example.html`);
  await page.evaluate(`new Promise((done) => {
    const main = document.querySelector('main');
    const look = () => (main.ariaBusy === 'false' ? done() : setTimeout(look, 10));
    look();
  })`);
  return page;
}

test('the page shows that variables are not even looked at', async () => {
  const page = await example();
  const sections = await page.evaluate(`[...document.querySelectorAll('section')].map((section) => [
    section.querySelector('h2').textContent,
    ...[...section.querySelectorAll('tr')].map((row) =>
      [row.cells[0], row.cells[2]].map((cell) => cell.textContent).join(': ')),
  ])`);
  assert.deepEqual(sections, [
    ['example-web-sandbox in a web session', 'supervisor: used'],
    [
      'claude-code in a web session',
      'bedrock: not looked at', 'vertex: not looked at', 'foundry: not looked at',
      'auth-token: not looked at', 'api-key: not looked at', 'helper: not looked at', 'login: used',
    ],
    [
      'claude-code in a terminal session',
      'bedrock: looked at', 'vertex: looked at', 'foundry: looked at',
      'auth-token: used', 'api-key: not looked at', 'helper: not looked at', 'login: not looked at',
    ],
  ]);
  assert.ok(!(await page.evaluate('document.documentElement.outerHTML')).includes('s3cr3t'));
});

test('the page is dark where dark is preferred, and nothing on it is cut off', async () => {
  const page = await example();
  const seen = {};
  for (const scheme of ['light', 'dark']) {
    await page.prefer(scheme);
    seen[scheme] = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    // For a look at them: `PICTURES=folder`, which has to be there.
    const picture = await page.picture();
    if (process.env.PICTURES) await writeFile(`${process.env.PICTURES}/${scheme}.png`, picture);
  }
  assert.deepEqual(seen, { light: 'rgb(246, 247, 249)', dark: 'rgb(20, 23, 28)' });
  assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'));
});

test('a rejected policy says in a page what is wrong with it', async () => {
  const page = await example();
  const said = await page.evaluate(`import('./keyrule.js').then(({ Policy }) =>
    Policy.load('a', [{ origin: 'user', path: 'a.toml', text: 'nome = "a"' }])
      .then(() => 'loaded', (error) => [error.name, error.code, error.diagnostics[0].code].join()))`);
  assert.equal(said, 'PolicyError,policy-rejected,unknown-key');
});

test('nothing but the module and the policies is served', async () => {
  for (const path of [
    '', 'guest/web/', 'README.md', 'guest/web/package.json', 'guest/web/build', 'guest/web/../../Cargo.toml',
    'guest/web/node_modules/typescript/lib/tsc.js', 'policies/..%2fCargo.toml', '.git/config',
  ]) {
    assert.equal((await fetch(server.url + path)).status, 404, path);
  }
  assert.equal((await fetch(`${server.url}policies/claude-code.toml`)).status, 200);
  assert.equal((await fetch(`${server.url}policies/claude-code.toml`, { method: 'POST' })).status, 404);
});
