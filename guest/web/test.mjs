/**
 * Tests of the module in Node: `node --test guest/web/test.mjs`, once `build`
 * has run. Those in a browser are in `test-browser.mjs`.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

// Before the engine is there: what it is instantiated with, and the memories.
const instances = [];
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (module, imports) => {
  const instance = await instantiate(module, imports);
  instances.push({ module, instance });
  return instance;
};

const keyrule = await import('./keyrule.js');
const { EngineError, HandsError, Policy, PolicyError, resolve } = keyrule;
const { component, modules } = await import('./engine/core.js');
const { hands, run, sandbox } = await import('./sandbox.mjs');
const { shipped } = await import('./read.mjs');

const folder = fileURLToPath(new URL('.', import.meta.url));
const load = async (name) => Policy.load(name, [await shipped(name)]);
const WEB = { surface: 'web' };
const TERMINAL = { surface: 'terminal', interactive: true };

test('the engine here is the committed component', async () => {
  const committed = await readFile(`${folder}../prebuilt/policy.wasm`);
  const digest = createHash('sha256').update(committed).digest('hex');
  assert.equal(component, digest, 'run `guest/web/build`');
});

test('no core module imports anything from outside', async () => {
  for (const [name, text] of Object.entries(modules)) {
    const module = await WebAssembly.compile(Buffer.from(text, 'base64'));
    const imports = WebAssembly.Module.imports(module);
    // Its own handles, and what joins the modules to each other.
    const own = ({ module }) => module === '' || module === '[export]keyrule:policy/engine@0.2.0';
    assert.deepEqual(imports.filter((of) => !own(of)), [], name);
  }
});

test('in a web session variables are not even looked at', async () => {
  const looked = [];
  const variables = new Proxy(sandbox.variables, {
    get(of, name) {
      looked.push(name);
      return of[name];
    },
  });
  for (const [name, used] of [['example-web-sandbox', 'supervisor'], ['claude-code', 'login']]) {
    const end = await run(name, 'web', { ...sandbox, variables });
    assert.equal(end.used, used);
    assert.deepEqual(end.sources.filter((source) => source.looked).map(({ id }) => id), [used]);
  }
  assert.deepEqual(looked, []);
  // The same sandbox in a terminal, where they count: else nothing was shown.
  assert.equal((await run('claude-code', 'terminal', { ...sandbox, variables })).used, 'auth-token');
  assert.ok(looked.includes('ANTHROPIC_AUTH_TOKEN'));
});

test('without a supervisor and without a login nothing takes their place', async () => {
  const bare = { ...sandbox, supplied: new Map(), login: false };
  for (const name of ['example-web-sandbox', 'claude-code']) {
    const policy = await load(name);
    const keys = new Map();
    const end = await resolve(policy, WEB, hands(bare, keys));
    assert.equal(end.verdict, 'refuse');
    assert.equal(end.refused.reason, 'nothing-usable');
    assert.ok(end.explanation.fix.text.length > 0);
    assert.equal(keys.size, 0);
  }
});

test('another kind of session is not served, and nothing is looked at', async () => {
  const end = await resolve(await load('example-web-sandbox'), TERMINAL, hands(sandbox, new Map()));
  assert.deepEqual([end.refused, end.steps], [{ reason: 'surface-not-served', source: undefined }, []]);
});

test('no secret is in any memory of the engine', async () => {
  const before = instances.length;
  const odd = hands(sandbox, new Map());
  await resolve(await load('example-web-sandbox'), WEB, {
    look: (source) => ({ ...odd.look(source), secret: 's3cr3t', detail: undefined }),
    fetch: async (source) => ({ ...await odd.fetch(source), secret: 's3cr3t', token: 's3cr3t' }),
  });
  const memories = instances.slice(before)
    .map(({ instance }) => instance.exports.memory)
    .filter((memory) => memory !== undefined)
    .map(({ buffer }) => Buffer.from(buffer));
  assert.equal(memories.length, 1);
  // The policy's own text is in there, so it was searched.
  assert.ok(memories[0].includes('supervisor'));
  assert.ok(!memories[0].includes('s3cr3t'));
});

test('a rejected policy reports every error', async () => {
  const text = 'nome = "a"\n[[source]]\nid = 1\n';
  const error = await Policy.load('a', [{ origin: 'user', path: 'a.toml', text }]).catch((of) => of);
  assert.ok(error instanceof PolicyError);
  assert.equal(error.code, 'policy-rejected');
  const [first] = error.diagnostics;
  assert.deepEqual([first.code, first.location.line, first.location.column], ['unknown-key', 1, 1]);
  assert.ok(error.diagnostics.length > 2);
  assert.match(error.message, /^policy `a` was rejected\na\.toml:1:1: unknown key `nome`/);
});

test('a policy is used by no other way than loading it', () => {
  assert.throws(() => new Policy(), TypeError);
  assert.throws(() => new Policy(Symbol('loaded'), {}, 'a', []), TypeError);
});

test('a question is asked once, where somebody is there', async () => {
  const world = { ...sandbox, variables: { ANTHROPIC_API_KEY: 's3cr3t' }, login: true };
  const policy = await load('claude-code');
  const of = (more) => ({ ...hands(world, new Map()), ...more });
  const steps = (end) => end.steps.filter(({ step }) => step !== 'look').map(({ step, source }) => `${step} ${source}`);

  const approved = await resolve(policy, TERMINAL, of({ ask: () => 'approved' }));
  assert.deepEqual([approved.source.id, steps(approved)], ['api-key', ['ask api-key', 'fetch api-key']]);
  const declined = await resolve(policy, TERMINAL, of({ ask: async () => 'declined' }));
  assert.deepEqual([declined.source.id, steps(declined)], ['login', ['ask api-key', 'fetch login']]);

  const { look } = of();
  const remembered = (source) => ({ ...look(source), consent: 'declined' });
  const again = await resolve(policy, TERMINAL, of({ look: remembered }));
  assert.deepEqual([again.source.id, steps(again)], ['login', ['fetch login']]);

  const nobody = await resolve(policy, { surface: 'terminal', interactive: 'no' }, of());
  assert.deepEqual(steps(nobody), ['fetch api-key']);
  await assert.rejects(resolve(policy, TERMINAL, of()), { code: 'hands-missing', hand: 'ask', source: 'api-key' });
});

test('a consent applies only to a source that needs it', async () => {
  const { look, fetch } = hands(sandbox, new Map());
  const end = await resolve(await load('claude-code'), WEB, {
    look: (source) => ({ ...look(source), consent: 'declined' }),
    fetch,
  });
  assert.equal(end.source.id, 'login');
});

test('an invalid answer of a hand is refused without quoting it', async () => {
  const policy = await load('claude-code');
  const good = { look: () => ({ outcome: 'present' }), fetch: () => ({ outcome: 'present' }) };
  const answers = [
    undefined, null, 's3cr3t', 7, [], {}, { outcome: 's3cr3t' }, { outcome: 'failed' },
    { outcome: { tag: 'failed', val: 's3cr3t' } }, { outcome: 'present', location: { s3cr3t: 1 } },
    { outcome: 'present', expiresIn: 's3cr3t' }, { outcome: 'present', expiresIn: Number.NaN },
    { outcome: 'present', expiresIn: Infinity }, { outcome: 'present', tier: 's3cr3t' },
    { outcome: 'present', destination: { tag: 's3cr3t', val: '' } }, { outcome: 'present', destination: 'origin' },
    { outcome: 'present', lifetime: { tag: 'milliseconds', val: 's3cr3t' } },
    { get outcome() { throw new Error('s3cr3t'); } },
  ];
  for (const answer of answers) {
    for (const hand of ['look', 'fetch']) {
      const error = await resolve(policy, WEB, { ...good, [hand]: () => answer }).catch((of) => of);
      assert.ok(error instanceof HandsError, `${hand}: ${error}`);
      assert.deepEqual([error.code, error.hand, error.source], ['hands-misbehaved', hand, 'login']);
      assert.ok(!`${error.stack}${error.cause}`.includes('s3cr3t'), error.stack);
    }
  }
  for (const [answer, session] of [['yes', TERMINAL], [undefined, TERMINAL]]) {
    const absent = ({ id }) => ({ outcome: id === 'api-key' ? 'present' : 'absent' });
    const error = await resolve(policy, session, { ...good, look: absent, ask: () => answer }).catch((of) => of);
    assert.deepEqual([error.code, error.hand], ['hands-misbehaved', 'ask']);
  }
  await assert.rejects(resolve(policy, WEB, { look: good.look }), { code: 'hands-missing', hand: 'fetch' });
  // None of this did anything to the policy.
  assert.equal((await resolve(policy, WEB, good)).source.id, 'login');
});

test('what a hand throws comes out as it is', async () => {
  const policy = await load('claude-code');
  const mine = new Error('mine');
  const fail = async () => { throw mine; };
  await assert.rejects(resolve(policy, WEB, { look: fail, fetch: fail }), (error) => error === mine);
});

test('without a fetched credential nothing may be used', async () => {
  const policy = await load('claude-code');
  const look = () => ({ outcome: 'present' });
  for (const outcome of ['absent', 'blank', { tag: 'failed', val: 'expired' }]) {
    const end = await resolve(policy, WEB, { look, fetch: () => ({ outcome }) });
    assert.equal(end.verdict, 'refuse', JSON.stringify(outcome));
  }
});

test('hands cannot change what a policy says of a source', async () => {
  const policy = await load('claude-code');
  assert.throws(() => { policy.sources[6].kind.tag = 'environment'; }, TypeError);
  assert.throws(() => { policy.info.tool.settings.pop(); }, TypeError);
});

test('two resolutions and two policies at once do not disturb each other', async () => {
  const [first, second] = await Promise.all([load('claude-code'), load('example-web-sandbox')]);
  const slow = (used) => ({
    look: async ({ id }) => {
      await new Promise((later) => { setTimeout(later, 1); });
      return { outcome: id === used ? 'present' : 'absent' };
    },
    fetch: async () => ({ outcome: 'present' }),
  });
  const ends = await Promise.all([
    resolve(first, { surface: 'terminal' }, slow('auth-token')),
    resolve(first, { surface: 'terminal' }, slow('login')),
    resolve(second, WEB, slow('supervisor')),
    resolve(first, WEB, slow('auth-token')),
  ]);
  assert.deepEqual(ends.map(({ source }) => source?.id), ['auth-token', 'login', 'supervisor', undefined]);
});

test('a step that the facts exclude is not carried out', async () => {
  const real = await load('claude-code');
  const done = [];
  const never = {
    look: ({ id }) => { done.push(id); return { outcome: 'present' }; },
    fetch: ({ id }) => { done.push(id); return { outcome: 'present' }; },
    ask: ({ id }) => { done.push(id); return 'approved'; },
  };
  const with_ = (decide, observe = (...seen) => real.observe(...seen)) => ({
    sources: real.sources, explain: () => ({}), observe, decide,
  });
  const at = (tag, val) => ({ tag, val });
  const state = (of) => () => ({ state: of });
  for (const [policy, message, count] of [
    [with_(() => at('look', 0)), /invalid step `look`: source 0 was done before/, 1],
    [with_(() => at('fetch', 0)), /invalid step `fetch`: source 0 was not looked at/, 0],
    [with_(() => at('use', 0)), /invalid step `use`: source 0 was not fetched/, 0],
    [with_(() => at('ask', 0)), /invalid step `ask`: source 0 is neither ready nor fetched/, 0],
    [with_(() => at('look', 7)), /it names a source beyond the 7/, 0],
    [with_(() => at('look', -1)), /it names a source beyond the 7/, 0],
    [with_(() => at('refuse', { reason: 'source-failed', source: 9 })), /it names a source beyond the 7/, 0],
    [with_(() => at('constructor', 0)), /it names an unknown step/, 0],
    [with_(() => at('get', 0)), /it names an unknown step/, 0],
    [with_(() => at('consult')), /it asks for an override/, 0],
    [with_(() => at('look', 0), state('fetched')), /it calls source 0 fetched, which is only looked at/, 1],
    [with_(() => at('look', 0), state('unknown')), /it calls source 0 unknown/, 1],
  ]) {
    done.length = 0;
    const error = await resolve(policy, WEB, never).catch((of) => of);
    assert.ok(error instanceof EngineError, String(error));
    assert.match(error.message, message);
    assert.equal(done.length, count, message.source);
  }
});

test('what would trap is refused before, and the policy goes on', async () => {
  const policy = await load('claude-code');
  const facts = policy.sources.map(() => ({ state: 'unknown', consent: 'undecided' }));
  for (const wrong of [
    () => policy.decide(WEB, []),
    () => policy.decide(WEB, undefined),
    () => policy.decideEvery(WEB, [facts]),
    () => policy.decideChosen(WEB, facts, 0),
    () => policy.decideChosen(WEB, facts, 99),
    () => policy.explain(WEB, []),
    () => policy.observe(7, { outcome: 'present' }),
    () => policy.observe(-1, { outcome: 'present' }),
    () => policy.observe('length', { outcome: 'present' }),
    () => policy.predict([{ item: 0, outcome: 'absent' }]),
    () => policy.predict([{ item: -1, outcome: 'absent' }]),
    () => policy.predict([{ outcome: 'absent' }]),
    () => policy.handover(7, []),
    () => policy.handover(undefined, []),
    () => policy.handover(0, [{ item: 0, outcome: 'absent' }]),
  ]) {
    assert.throws(wrong, RangeError, String(wrong));
  }
  assert.deepEqual(policy.predict([]), []);
  const { steps, obstacles } = policy.handover(6, []);
  assert.deepEqual([steps, [...obstacles]], [[], []]);
  assert.deepEqual(policy.decide(WEB, facts), { tag: 'look', val: 6 });
  assert.deepEqual(policy.candidates(WEB), [{ source: 6, applies: true }]);
  assert.deepEqual(policy.decideChosen(WEB, facts, 6), policy.decideChosen(WEB, facts, 6));
});

const SEEN = { outcome: 'present' };

test('a field of the wrong type is named, with what it has to be, and its value is not', async () => {
  const policy = await load('claude-code');
  const facts = policy.sources.map(() => ({ state: 'unknown', consent: 'undecided' }));
  const loads = (document) => () => Policy.load('a', [document]);
  const outcomes = 'absent, blank, off, present, recursion, failed';
  for (const [wrong, message] of [
    [() => policy.decide({ surface: 's3cr3t' }, facts), '`surface` is not one of terminal, desktop, remote, web'],
    [() => policy.decide(undefined, facts), '`surface` is not one of terminal, desktop, remote, web'],
    [() => policy.explain({}, facts.map(() => ({}))), '`surface` is not one of terminal, desktop, remote, web'],
    [() => resolve(policy, { surface: 's3cr3t' }, {}), '`surface` is not one of terminal, desktop, remote, web'],
    [() => resolve(policy, undefined, {}), '`surface` is not one of terminal, desktop, remote, web'],
    [() => policy.decide(WEB, facts.map(() => ({ ...facts[0], state: 's3cr3t' }))),
      '`facts[0].state` is not one of unknown, unavailable, forbidden, ready, fetched, failed, fatal'],
    [() => policy.decideEvery(WEB, facts.map((fact) => [fact, { state: 'ready' }])),
      '`facts[0][1].consent` is not one of undecided, approved, declined'],
    [() => policy.decideEvery(WEB, facts), '`facts[0]` is not an array'],
    [() => policy.explain(WEB, facts.map(() => ({ consent: 's3cr3t' }))),
      '`evidence[0].consent` is not one of undecided, approved, declined'],
    [() => policy.explain(WEB, facts.map(() => ({ observation: {} }))), `\`outcome\` is not one of ${outcomes}`],
    [() => policy.observe(0, undefined), '`observation` is not an object'],
    [() => policy.observe(0, { outcome: 's3cr3t' }), `\`outcome\` is not one of ${outcomes}`],
    [() => policy.observe(0, { outcome: 'constructor' }), `\`outcome\` is not one of ${outcomes}`],
    [() => policy.observe(0, { ...SEEN, detail: 7 }), '`detail` is not a string'],
    [() => policy.observe(0, { ...SEEN, tier: 's3cr3t' }), '`tier` is not one of managed, user, project'],
    [() => policy.observe(0, { ...SEEN, endpointTier: 's3cr3t' }), '`endpointTier` is not one of managed, user, project'],
    [() => policy.observe(0, { ...SEEN, storedIn: 's3cr3t' }), '`storedIn` is not one of keyring, file'],
    [() => policy.observe(0, { ...SEEN, destination: 'origin' }), '`destination.val` is not a string'],
    [() => policy.observe(0, { ...SEEN, lifetime: { tag: 'milliseconds', val: 1 } }),
      '`lifetime.val` is not an unsigned bigint of 64 bits'],
    [() => policy.observe(0, { ...SEEN, expiresIn: 's3cr3t' }), '`expiresIn` is not a number of 64 bits'],
    [() => policy.observe(0, { ...SEEN, expiresIn: 2 ** 63 }), '`expiresIn` is not a number of 64 bits'],
    [() => policy.observe(0, { ...SEEN, redirections: 's3cr3t' }), '`redirections` is not an array'],
    [() => policy.observe(0, { ...SEEN, redirections: ['s3cr3t'] }), '`redirections[0]` is not an object'],
    [() => policy.observe(0, { ...SEEN, redirections: [{ name: 'A', carries: 's3cr3t' }] }),
      '`redirections[0].carries` is not a boolean'],
    [() => policy.observe(0, { get outcome() { throw new Error('s3cr3t'); } }), 'a field cannot be read'],
    [() => policy.predict('s3cr3t'), '`items` is not an array'],
    [() => policy.predict([{ item: 0, outcome: 's3cr3t' }]), `\`items[0].outcome\` is not one of ${outcomes}`],
    [loads({ place: 'user', path: 'a.toml', text: '' }),
      '`documents[0].origin` is not one of builtin, embedder, tool-file, managed, managed-restriction, ' +
      'managed-tool-file, managed-other, user, user-restriction, project, choice'],
    [loads({ origin: 'user', path: 'a.toml' }), '`documents[0].text` is not a string'],
  ]) {
    const error = await (async () => wrong())().catch((of) => of);
    assert.ok(error instanceof TypeError, `${wrong}: ${error}`);
    assert.equal(error.message, message);
    assert.ok(!`${error.stack}${error.cause}`.includes('s3cr3t'), error.stack);
  }
  // Each was refused before the engine was asked, which therefore goes on.
  assert.deepEqual(policy.decide(WEB, facts), { tag: 'look', val: 6 });
});

test('the error about a hand says what is wrong with its answer', async () => {
  const policy = await load('claude-code');
  const good = { look: () => SEEN, fetch: () => SEEN };
  for (const [wrong, session, message] of [
    [{ look: () => ({ ...SEEN, tier: 'root' }) }, WEB,
      '`look` of source `login` gave an invalid answer: `tier` is not one of managed, user, project'],
    [{ fetch: () => 's3cr3t' }, WEB,
      '`fetch` of source `login` gave an invalid answer: `observation` is not an object'],
    [{ look: ({ id }) => ({ outcome: id === 'api-key' ? 'present' : 'absent' }), ask: () => true }, TERMINAL,
      '`ask` of source `api-key` gave an invalid answer: `consent` is not one of approved, declined'],
    [{ fetch: undefined }, WEB, '`fetch` of source `login` is required and is missing'],
  ]) {
    await assert.rejects(resolve(policy, session, { ...good, ...wrong }), { name: 'HandsError', message });
  }
});

test('a redirection is judged as part of the destination', async () => {
  const policy = await load('claude-code');
  const bedrock = policy.sources.findIndex(({ id }) => id === 'bedrock');
  const moved = [{ name: 'AWS_ENDPOINT_URL', origin: 'http://elsewhere.example', carries: true }];
  assert.equal(policy.observe(bedrock, SEEN).state, 'ready');
  assert.equal(policy.observe(bedrock, { ...SEEN, redirections: moved }).state, 'forbidden');
});

test('the credential goes where the look said that it would', async () => {
  const policy = await load('claude-code');
  const only = { fetch: () => SEEN, ask: () => 'approved' };
  const look = (destination, more) => ({ id }) =>
    (id === 'api-key' ? { ...SEEN, destination, ...more } : { outcome: 'absent' });
  const gateway = { tag: 'origin', val: 'https://gateway.example' };
  const end = (hands) => resolve(policy, TERMINAL, { ...only, ...hands });

  assert.equal((await end({ look: look(gateway) })).endpoint, 'https://gateway.example');
  assert.equal((await end({ look: look(undefined) })).endpoint, 'https://api.anthropic.com');
  // What a fetch says itself is judged anew.
  const elsewhere = { tag: 'origin', val: 'http://elsewhere.example' };
  const refused = await end({ look: look(gateway), fetch: () => ({ ...SEEN, destination: elsewhere }) });
  assert.equal(refused.refused.reason, 'endpoint-not-allowed');
  const back = await end({ look: look(gateway), fetch: () => ({ ...SEEN, destination: 'default' }) });
  assert.equal(back.endpoint, 'https://api.anthropic.com');

  const cloud = (redirections) => ({ id }) =>
    ({ ...SEEN, outcome: id === 'bedrock' ? 'present' : 'absent', redirections });
  const moved = [{ name: 'AWS_ENDPOINT_URL', origin: 'https://aws.example', carries: true }];
  assert.equal((await end({ look: cloud(moved) })).endpoint, 'https://aws.example');
  assert.match((await end({ look: cloud(undefined) })).endpoint, /^https:\/\/bedrock-runtime\./);
});

test('policies are listed, linted and compared', async () => {
  const [old, current] = await Promise.all([load('claude-code-legacy'), load('claude-code')]);
  assert.ok(current.table().rows.length > 100);
  assert.ok(Array.isArray(current.lint()));
  const pairs = await Policy.align(old, current);
  const both = pairs.filter((pair) => pair.old !== undefined && pair.new !== undefined);
  assert.ok(both.some(({ reads }) => reads === 'environment ANTHROPIC_API_KEY'));
  for (const pair of both) {
    assert.equal(old.sources[pair.old].reads, current.sources[pair.new].reads);
  }
});

test('a restriction beside the policy takes away', async () => {
  const text = 'drop = ["login"]\n';
  const documents = [await shipped('claude-code'), { origin: 'project', path: 'p.toml', text }];
  const policy = await Policy.load('claude-code', documents);
  const end = await resolve(policy, WEB, hands(sandbox, new Map()));
  assert.deepEqual([end.verdict, end.steps], ['refuse', []]);
  const login = end.explanation.sources.at(-1);
  assert.deepEqual([login.reason, login.rule.path], ['dropped', 'p.toml']);
});

test('the types say what the module does', async () => {
  const types = await readFile(`${folder}keyrule.d.ts`, 'utf8');
  const named = [...types.matchAll(/^export (?:class|function) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(Object.keys(keyrule).sort(), named.sort());
  const [, members] = types.split('export class Policy {');
  const own = Object.getOwnPropertyNames(Policy.prototype).filter((name) => name !== 'constructor');
  for (const member of [...own, 'load', 'align']) {
    assert.match(members.split('\n}')[0], new RegExp(`\\b${member}\\(`), member);
  }
  const { stdout } = await promisify(execFile)(
    process.execPath, ['node_modules/typescript/bin/tsc', '--project', '.'], { cwd: folder },
  ).catch(({ stdout }) => ({ stdout }));
  assert.equal(stdout, '');
});

test('an observation has every field of the contract', async () => {
  const types = await readFile(`${folder}engine/interfaces/keyrule-policy-engine.d.ts`, 'utf8');
  const [, fields] = /export interface Observation \{([^}]*)\}/.exec(types);
  const names = [...fields.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name);
  const { observation } = await import('./observation.js');
  assert.deepEqual(Object.keys(observation({ outcome: 'absent' }, false)), names);
});

test('every enum and variant here is the contract\'s', async () => {
  const types = await readFile(`${folder}engine/interfaces/keyrule-policy-engine.d.ts`, 'utf8');
  const contract = await import('./contract.js');
  const { DESTINATIONS, LIFETIMES, OUTCOMES } = await import('./observation.js');
  const quoted = (text) => [...text.matchAll(/'([a-z-]+)'/g)].map(([, name]) => name);
  for (const [type, names] of [
    ['Surface', contract.SURFACES], ['Consent', contract.CONSENTS], ['State', contract.STATES],
    ['Tier', contract.TIERS], ['StoreKind', contract.STORE_KINDS],
    ['DocumentOrigin', contract.DOCUMENT_ORIGINS], ['FailureKind', contract.FAILURE_KINDS],
  ]) {
    assert.deepEqual(names, quoted(new RegExp(`^export type ${type} = (.*);`, 'm').exec(types)[1]), type);
  }
  for (const [type, cases] of [['Outcome', OUTCOMES], ['Destination', DESTINATIONS], ['Lifetime', LIFETIMES]]) {
    const all = new RegExp(`^export type ${type} = (.*);`, 'm').exec(types)[1].split(' | ');
    const body = (name) => new RegExp(`^export interface ${name} \\{([^}]*)\\}`, 'm').exec(types)[1];
    assert.deepEqual(Object.keys(cases), all.map((name) => quoted(body(name))[0]), type);
    assert.deepEqual(Object.values(cases).map((check) => check !== null),
      all.map((name) => /\bval:/.test(body(name))), type);
  }
});

test('the example prints what it says', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [`${folder}example.mjs`]);
  assert.match(stdout, /^example-web-sandbox, in a web session: `supervisor` is used/);
  assert.match(stdout, /\n {2}api-key {6}not looked at\n/);
  assert.ok(!stdout.includes('s3cr3t'));
});
