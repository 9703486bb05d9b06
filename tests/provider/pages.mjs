// The pages that a person sees. What goes in are words; what comes out is
// HTML without anything from elsewhere.

const escape = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

export function page(title, body) {
  return `<!doctype html><meta charset="utf-8"><title>${escape(title)}</title>
<style>body{font:16px system-ui;max-width:32em;margin:4em auto}button{font:inherit;padding:.4em 1em}</style>
<h1>${escape(title)}</h1>
${body}
`;
}

/** Who wants to log in? */
export function login(client, scope) {
  return page('Test login', `<p>The client <b>${escape(client)}</b> asks for <b>${escape(scope)}</b>.</p>
<form method="post">
<button name="account" value="alice" autofocus>Log in as alice</button>
<button name="account" value="bob">Log in as bob</button>
<button name="deny" value="yes">Refuse</button>
</form>`);
}

/** The code that a device shows. */
export function deviceInput(form, error) {
  const said = error ? `<p>That code is not known, or is used already.</p>` : '';
  return page('Test login', `${said}<p>Type the code that is shown on your device:</p>${form}
<button type="submit" form="op.deviceInputForm">Continue</button>`);
}

/** Is it this device? */
export function deviceConfirm(form, client, code) {
  return page('Test login', `<p>The client <b>${escape(client)}</b> shows the code
<b>${escape(code)}</b>. Is it the one on your device?</p>${form}
<button autofocus type="submit" form="op.deviceConfirmForm">Yes, continue</button>
<button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">No</button>`);
}

export const deviceDone = () => page('Test login', '<p>Done. Your device is logged in now.</p>');

export const failed = (error, words) => page('Test login', `<p>It failed: <b>${escape(error)}</b>.</p><p>${escape(words ?? '')}</p>`);
