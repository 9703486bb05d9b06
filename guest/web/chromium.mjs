/**
 * Drives a headless Chromium over a pipe, for the tests. Its profile is thrown
 * away, and it ends with this process.
 */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Starts it. */
export async function start() {
  const profile = await mkdtemp(join(tmpdir(), 'keyrule-chromium-'));
  const child = spawn('chromium', [
    '--headless', '--remote-debugging-pipe', `--user-data-dir=${profile}`,
    // Its sandbox does not run as root.
    ...(process.geteuid?.() === 0 ? ['--no-sandbox'] : []),
    '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--window-size=900,1000',
  ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const ended = new Promise((end) => {
    child.once('exit', end);
    child.once('error', end);
  });
  const send = connect(child, ended);
  return {
    /** Opens a page and waits until it is loaded. */
    async open(url) {
      const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      const ask = (method, parameters) => send(method, parameters, sessionId);
      await ask('Page.enable');
      const loaded = send.event('Page.loadEventFired', sessionId);
      const { errorText } = await ask('Page.navigate', { url });
      if (errorText) throw new Error(`${url}: ${errorText}`);
      await loaded;
      return page(ask);
    },
    async close() {
      child.kill();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

const page = (ask) => ({
  /** The value of an expression; promises are awaited. */
  async evaluate(expression) {
    const { result, exceptionDetails } = await ask('Runtime.evaluate', {
      expression, awaitPromise: true, returnByValue: true,
    });
    if (exceptionDetails) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  },
  /** Prefers `light` or `dark`. */
  prefer: (value) => ask('Emulation.setEmulatedMedia', {
    features: [{ name: 'prefers-color-scheme', value }],
  }),
  /** A picture of the whole page, as PNG. */
  async picture() {
    const { data } = await ask('Page.captureScreenshot', { captureBeyondViewport: true });
    return Buffer.from(data, 'base64');
  },
});

/** Messages are JSON, each ended by a NUL. */
function connect(child, ended) {
  const [, , , input, output] = child.stdio;
  const waiting = new Map();
  const events = [];
  let last = 0;
  let rest = '';
  input.on('error', () => {});
  output.setEncoding('utf8');
  output.on('data', (part) => {
    const messages = (rest + part).split('\0');
    rest = messages.pop();
    for (const message of messages.map((text) => JSON.parse(text))) {
      const { id, method, sessionId, error, result } = message;
      const index = events.findIndex((event) => event.method === method && event.sessionId === sessionId);
      if (id === undefined) {
        if (index >= 0) events.splice(index, 1)[0].done();
      } else {
        const { done, fail, asked } = waiting.get(id);
        waiting.delete(id);
        if (error) fail(new Error(`${asked}: ${error.message}`));
        else done(result);
      }
    }
  });
  ended.then(() => waiting.forEach(({ fail }) => fail(new Error('chromium has ended'))));
  const send = (asked, params = {}, sessionId = undefined) => new Promise((done, fail) => {
    last += 1;
    waiting.set(last, { done, fail, asked });
    if (child.exitCode !== null) fail(new Error('chromium has ended'));
    input.write(`${JSON.stringify({ id: last, method: asked, params, sessionId })}\0`);
  });
  send.event = (method, sessionId) => new Promise((done) => events.push({ method, sessionId, done }));
  return send;
}
