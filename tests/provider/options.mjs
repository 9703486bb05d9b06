// What a test can ask of the provider. What goes in are variables of the
// environment and later requests to `/harness/options`; what comes out are
// the values that hold now. Times are seconds, except for the delays, which are
// milliseconds.

const DEFAULTS = {
  // How long an access token and a refresh token last.
  AT_TTL: '300',
  RT_TTL: '86400',
  // How long a code of the device flow can be confirmed.
  DEVICE_TTL: '60',
  // Who logs in where the request has no `login_hint`.
  LOGIN_AS: 'alice',
  // The organisation of everybody; empty: `ORGANIZATIONS` below.
  ORG: '',
  // Whether a refresh token is good for one use (`yes`) or for many (`no`).
  ROTATE: 'yes',
  // Whether the ID token has the claims (`yes`), or userinfo alone (`no`).
  ID_TOKEN_CLAIMS: 'yes',
  // The user refuses.
  DENY: '',
  // A page with buttons, for people, in place of the automatic login.
  HUMAN: '',
  // Waits at the token endpoint: before anything is consumed, and after.
  DELAY_BEFORE: '0',
  DELAY_AFTER: '0',
  // The token endpoint answers with this status and consumes nothing.
  TOKEN_FAILS: '',
  // The token endpoint consumes what it is given, then hangs up.
  TOKEN_HANGS_UP: '',
};

const ORGANIZATIONS = { alice: 'acme', bob: 'other' };

export const options = {};
for (const [name, value] of Object.entries(DEFAULTS)) options[name] = process.env[name] ?? value;

/** Changes options while the provider runs; returns the names it does not know. */
export function change(parameters) {
  const unknown = [...parameters.keys()].filter((name) => !(name in DEFAULTS));
  if (unknown.length === 0) for (const [name, value] of parameters) options[name] = value;
  return unknown;
}

/** What the provider says of somebody, there. */
export function claims(account, place) {
  if (place === 'id_token' && options.ID_TOKEN_CLAIMS === 'no') return { sub: account };
  const org = options.ORG || ORGANIZATIONS[account] || 'acme';
  return { sub: account, email: `${account}@${org}.example`, email_verified: true, name: account, org };
}

/** Waits for the milliseconds that an option says. */
export async function delay(name) {
  const milliseconds = Number(options[name]);
  if (milliseconds > 0) await new Promise((done) => { setTimeout(done, milliseconds); });
}
