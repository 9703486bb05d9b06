// An OpenID provider on loopback, for Keyrule's tests and for trying Keyrule.
//
//   node server.mjs [PORT]     PORT 0, the default, takes a free one
//
// Prints `ISSUER http://127.0.0.1:PORT` when it answers. Two public native
// clients, `cli` and `other-cli`; PKCE is required; refresh tokens rotate,
// and one that is used twice ends the whole grant. Everything is kept in
// memory alone. It trusts everybody who can reach it, so it listens on
// loopback and nowhere else. `options.mjs` says what can be asked of it,
// `harness.mjs` what tests can call.

import { generateKeyPairSync } from 'node:crypto';
import http from 'node:http';

import { serve } from './harness.mjs';
import { answered } from './counts.mjs';
import { claims, delay, options } from './options.mjs';
import * as pages from './pages.mjs';
import { quietly } from './quiet.mjs';

const { default: Provider, interactionPolicy } = await quietly(() => import('oidc-provider'));

const server = http.createServer();
await new Promise((listening) => { server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', listening); });
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = await quietly(() => new Provider(issuer, configuration()));

// Whatever is a secret is known as one by its beginning, so that tests find it
// wherever it must not be.
for (const kind of ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode']) {
  const { prototype } = provider[kind];
  const plain = prototype.generateTokenId;
  prototype.generateTokenId = function generateTokenId(...rest) {
    return `s3cr3t-${plain.apply(this, rest)}`;
  };
}

provider.use(async (ctx, next) => {
  if (ctx.path !== '/token') {
    await next();
    answered(ctx.oidc?.route, undefined, ctx.status, ctx.body?.error);
    return;
  }
  await delay('DELAY_BEFORE');
  if (options.TOKEN_FAILS) {
    ctx.status = Number(options.TOKEN_FAILS);
    ctx.body = 'this test wants it to fail';
    // Which grant it was is not known: the body was not read.
    answered('token', 'other', ctx.status);
    return;
  }
  await next();
  answered('token', ctx.oidc?.params?.grant_type, ctx.status, ctx.body?.error);
  await delay('DELAY_AFTER');
  if (options.TOKEN_HANGS_UP) {
    ctx.respond = false;
    ctx.req.socket.destroy();
  }
});

server.on('request', serve(provider, issuer));
console.log(`ISSUER ${issuer}`);

// Tests hold our stdin, so that nothing is left behind when one of them dies.
if (process.env.ENDS_WITH_STDIN) process.stdin.on('end', () => process.exit()).resume();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit());

function configuration() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    clients: ['cli', 'other-cli'].map((id) => ({
      client_id: id,
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
      redirect_uris: [
        'http://127.0.0.1/callback', 'http://[::1]/callback', 'http://localhost/callback',
        `${issuer}/harness/code`,
      ],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    })),
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] },
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access'],
    claims: { openid: Object.keys(claims('nobody')) },
    // In the ID token too.
    conformIdTokenClaims: false,
    findAccount: (ctx, id) => ({ accountId: id, claims: (place) => claims(id, place) }),
    interactions: { url: (ctx, interaction) => `/login/${interaction.uid}`, policy: policy() },
    issueRefreshToken: (ctx, client, code) => code.scopes.has('offline_access'),
    rotateRefreshToken: () => options.ROTATE !== 'no',
    ttl: {
      AccessToken: () => Number(options.AT_TTL),
      RefreshToken: () => Number(options.RT_TTL),
      DeviceCode: () => Number(options.DEVICE_TTL),
      AuthorizationCode: 60,
      Grant: 604800,
      IdToken: 60,
      Interaction: 600,
      Session: 86400,
    },
    // Without this, what has ended lives for 15 seconds more.
    clockTolerance: 0,
    cookies: { keys: ['a key for tests'] },
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = pages.failed(out.error, out.error_description);
    },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (ctx, form, out, error) => { ctx.body = pages.deviceInput(form, error); },
        userCodeConfirmSource: (ctx, form, client, device, code) => {
          ctx.body = pages.deviceConfirm(form, client.clientId, code);
        },
        successSource: (ctx) => { ctx.body = pages.deviceDone(); },
      },
    },
  };
}

// A request that names somebody else than the browser's session is answered
// by a login of that account.
function policy() {
  const { base, Check } = interactionPolicy;
  const prompts = base();
  prompts.get('login').checks.add(new Check('other_account', 'somebody else is meant', (ctx) => {
    const { session, params, result } = ctx.oidc;
    const hint = params.login_hint;
    return Boolean(hint && !result?.login && session.accountId && session.accountId !== hint);
  }));
  return prompts;
}
