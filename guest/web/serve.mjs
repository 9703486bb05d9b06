/**
 * Serves this folder and the policies on 127.0.0.1, read-only.
 * `node guest/web/serve.mjs [PORT]` prints the URL of the example.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath, pathToFileURL } from 'node:url';

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  toml: 'text/plain; charset=utf-8',
};

/** What can be asked for. No name begins with a dot, so none leads elsewhere. */
const SERVED = /^\/(?:guest\/web(?:\/engine)?\/[a-z-]+\.(html|m?js)|policies\/[a-z-]+\.(toml))$/;

/** Starts, on any free port where none is given. */
export async function serve(port = 0) {
  const server = createServer((request, response) => answer(request, response));
  await new Promise((ready, fail) => {
    server.once('error', fail);
    server.listen(port, '127.0.0.1', ready);
  });
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.closeAllConnections();
      return new Promise((closed) => { server.close(closed); });
    },
  };
}

async function answer(request, response) {
  const [, page, text] = SERVED.exec(request.url) ?? [];
  const type = TYPES[page ?? text];
  const headers = {
    'cache-control': 'no-store',
    // The engine needs no more than this of a page.
    'content-security-policy':
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'",
    'x-content-type-options': 'nosniff',
  };
  const end = (status, body) => {
    response.writeHead(status, { ...headers, 'content-type': type ?? TYPES.toml });
    response.end(body);
  };
  if (type === undefined || request.method !== 'GET') {
    end(404, 'not here\n');
    return;
  }
  try {
    end(200, await readFile(fileURLToPath(new URL(`../..${request.url}`, import.meta.url))));
  } catch {
    end(404, 'not here; has `guest/web/build` run?\n');
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url } = await serve(Number(process.argv[2] ?? 0));
  console.log(`${url}guest/web/example.html`);
}
