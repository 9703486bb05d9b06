/**
 * What the types allow and what they do not. Only `tsc` reads this: a line
 * that should be an error and is none is an error itself.
 */

import {
  EngineError, HandsError, KeyruleError, Policy, PolicyError, resolve,
  type Hands, type Resolution, type Source, type Verdict,
} from './keyrule.js';

export async function allowed(text: string, keys: Map<string, string>): Promise<string> {
  const policy = await Policy.load('a', [{ place: 'builtin', path: 'a.toml', text }]);
  const hands: Hands = {
    look: ({ id }) => ({ outcome: keys.has(id) ? 'present' : 'absent', expiresIn: 60 }),
    get: async () => ({ outcome: { tag: 'trouble', val: 'expired' }, destination: 'default' }),
    ask: () => 'approved',
  };
  const end: Resolution = await resolve(policy, { surface: 'web' }, hands);
  const facts = policy.sources.map(() => ({ state: 'unknown', consent: 'undecided' }) as const);
  const verdict: Verdict = policy.decide({ surface: 'web', interactive: true }, facts);
  if (verdict.tag === 'refuse') return verdict.val.reason;
  // Which fields are there follows from how it ended.
  if (end.verdict === 'refuse') return end.refused.reason;
  const source: Source = end.source;
  return source.kind.tag === 'environment' ? source.kind.val : source.id;
}

export async function refused(policy: Policy, hands: Hands): Promise<void> {
  // @ts-expect-error a policy is loaded
  new Policy();
  // @ts-expect-error there is no such place
  await Policy.load('a', [{ place: 'somewhere', path: 'a.toml', text: '' }]);
  // @ts-expect-error there is no such surface
  await resolve(policy, { surface: 'watch' }, hands);
  // @ts-expect-error hands have to look
  await resolve(policy, { surface: 'web' }, { get: hands.get });
  // @ts-expect-error a look says what came of it
  await resolve(policy, { surface: 'web' }, { ...hands, look: () => ({}) });
  // @ts-expect-error trouble says which
  await resolve(policy, { surface: 'web' }, { ...hands, get: () => ({ outcome: 'trouble' }) });
  // @ts-expect-error a secret has no place in an answer
  await resolve(policy, { surface: 'web' }, { ...hands, get: () => ({ outcome: 'present', secret: '' }) satisfies ReturnType<Hands['get']> });
  // @ts-expect-error the sources are frozen
  policy.sources.pop();
}

export function codes(error: unknown): string {
  if (error instanceof PolicyError) return error.diagnostics.map(({ code }) => code).join();
  if (error instanceof HandsError) return `${error.hand} ${error.source}`;
  if (error instanceof EngineError) return error.code;
  return error instanceof KeyruleError ? error.message : '';
}
