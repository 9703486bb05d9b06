// A browser without a window, for the provider's own pages. What goes in is a
// path or a form; what comes out is the page at the end of all redirects.
// It keeps cookies, and runs no scripts.

export class Browser {
  constructor(origin) {
    this.origin = origin;
    this.cookies = new Map();
  }

  open(path) {
    return this.#follow(path, { method: 'GET' });
  }

  /** Sends the form of a page, with its hidden `xsrf`. */
  send(page, fields) {
    const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    return this.#follow(new URL(page.url).pathname, {
      method: 'POST',
      body: new URLSearchParams({ xsrf, ...fields }),
    });
  }

  async #follow(path, request) {
    let url = new URL(path, this.origin);
    let next = request;
    for (let redirects = 0; redirects < 20; redirects += 1) {
      const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(url, { ...next, headers: { cookie, accept: 'text/html' }, redirect: 'manual' });
      for (const line of response.headers.getSetCookie()) {
        const [name, value] = line.split(';')[0].split(/=(.*)/s);
        if (value) this.cookies.set(name, value);
        else this.cookies.delete(name);
      }
      const location = response.headers.get('location');
      if (!location) return { url: url.href, status: response.status, text: await response.text() };
      url = new URL(location, url);
      next = { method: 'GET' };
    }
    throw new Error('too many redirects');
  }
}
