// How often the provider was asked, and how that ended. What goes in is a
// finished request; what comes out are numbers: by route, for the token
// endpoint by grant type too, and by result, which is `ok` or the error's code.

const GRANTS = {
  authorization_code: 'authorization_code',
  refresh_token: 'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code': 'device_code',
};

const ROUTES = {
  authorization: 'authorization',
  device_authorization: 'device_authorization',
  discovery: 'discovery',
  introspection: 'introspection',
  revocation: 'revocation',
  userinfo: 'userinfo',
};

let counted;
reset();

export function reset() {
  counted = { token: {}, keys: {}, api: {} };
  for (const name of Object.values(GRANTS)) counted.token[name] = {};
  for (const name of Object.values(ROUTES)) counted[name] = {};
}

export const counts = () => counted;

/** Counts one request of a part of our own, such as `keys`. */
export function count(name, result) {
  add(counted[name], result);
}

/** Counts one request that the provider itself has answered. */
export function answered(route, grant, status, error) {
  const result = error ?? (status < 400 ? 'ok' : String(status));
  if (route === 'token') {
    const name = GRANTS[grant] ?? 'other';
    add(counted.token[name] ??= {}, result);
  } else if (ROUTES[route]) {
    add(counted[ROUTES[route]], result);
  }
}

function add(results, result) {
  results[result] = (results[result] ?? 0) + 1;
}
