/**
 * Reads a file beside this module: from the disk in Node, over HTTP in a page.
 * This is the embedder's part: the engine reads nothing.
 *
 * @param {string} path
 */
export async function read(path) {
  const url = new URL(path, import.meta.url);
  if (url.protocol === 'file:') {
    const { readFile } = await import('node:fs/promises');
    return readFile(url, 'utf8');
  }
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`\`${url}\` answers ${answer.status}`);
  return answer.text();
}

/**
 * A policy that ships, as a document.
 *
 * @param {string} name
 */
export async function shipped(name) {
  const path = `policies/${name}.toml`;
  return { origin: /** @type {const} */ ('user'), path, text: await read(`../../${path}`) };
}
