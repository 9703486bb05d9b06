/**
 * Runs a web session in which environment variables never apply. In the
 * sandbox of this example two of them hold keys that somebody left there; its
 * supervisor supplies a credential, and the tool has a login of its own.
 * `example.mjs` prints the result in Node, `example.html` shows it in a
 * browser.
 */

import { Policy, resolve } from './keyrule.js';
import { shipped } from './read.mjs';

/**
 * What a sandbox has.
 *
 * @typedef {object} Sandbox
 * @property {Record<string, string | undefined>} variables What is in its environment.
 * @property {Map<string, () => Promise<string>>} supplied What its supervisor gives.
 * @property {boolean} login Whether the tool has logged in.
 */

/** @type {Sandbox} */
export const sandbox = {
  variables: {
    ANTHROPIC_API_KEY: 's3cr3t-left-in-the-image',
    ANTHROPIC_AUTH_TOKEN: 's3cr3t-set-by-a-script',
  },
  supplied: new Map([['supervisor', async () => 's3cr3t-of-the-supervisor']]),
  login: true,
};

/**
 * Carries out the steps in that sandbox. Credentials end up in `keys`, by the
 * sources' ids, and are not part of any answer.
 *
 * @param {Sandbox} sandbox
 * @param {Map<string, string>} keys
 * @returns {import('./keyrule.js').Hands}
 */
export function hands({ variables, supplied, login }, keys) {
  /** @param {string} name @returns {import('./keyrule.js').Look} */
  const variable = (name) => {
    const value = variables[name];
    if (value === undefined) return { outcome: 'absent' };
    return { outcome: value.trim() === '' ? 'blank' : 'present', location: name };
  };
  return {
    look({ id, kind }) {
      switch (kind.tag) {
        case 'environment': return variable(kind.val);
        case 'cloud': return kind.val.flag ? variable(kind.val.flag) : { outcome: 'absent' };
        case 'supplied': return { outcome: supplied.has(id) ? 'present' : 'absent' };
        case 'tool-owned': return { outcome: login ? 'present' : 'absent' };
        default: return { outcome: 'absent' };
      }
    },
    async fetch({ id, kind }) {
      // A login that the tool owns stays with the tool.
      if (kind.tag === 'tool-owned') return { outcome: 'present' };
      const key = kind.tag === 'environment' ? variables[kind.val] : await supplied.get(id)?.();
      if (key === undefined) return { outcome: { tag: 'failed', val: 'vanished' } };
      keys.set(id, key);
      return { outcome: 'present' };
    },
  };
}

/**
 * Runs such a session.
 *
 * @param {string} name A policy that ships.
 * @param {import('./keyrule.js').Surface} surface
 * @param {Sandbox} [environment]
 */
export async function run(name, surface, environment = sandbox) {
  const policy = await Policy.load(name, [await shipped(name)]);
  /** @type {Map<string, string>} */
  const keys = new Map();
  const end = await resolve(policy, { surface }, hands(environment, keys));
  const done = (/** @type {string} */ step, /** @type {string} */ id) =>
    end.steps.some((other) => other.step === step && other.source === id);
  return {
    name,
    surface,
    summary: end.explanation.summary,
    used: end.source?.id,
    /** The sources whose credentials were fetched; the keys themselves stay here. */
    fetched: [...keys.keys()],
    sources: policy.sources.map(({ id, description }, index) => ({
      id,
      description,
      used: end.source?.id === id,
      looked: done('look', id),
      fetched: done('fetch', id),
      text: end.explanation.sources[index]?.text ?? '',
    })),
  };
}

/** The sessions of the example. The last is for comparison. */
export const sessions = () => Promise.all([
  run('example-web-sandbox', 'web'),
  run('claude-code', 'web'),
  run('claude-code', 'terminal'),
]);
