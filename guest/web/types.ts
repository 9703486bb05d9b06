/**
 * Shows what the types allow and what they do not. Only `tsc` reads this: a
 * line that should be an error and is not is itself an error.
 */

import {
  EngineError, HandsError, KeyruleError, Policy, PolicyError, resolve,
  type Hands, type Resolution, type Source, type Verdict,
} from './keyrule.js';

export async function allowed(text: string, keys: Map<string, string>): Promise<string> {
  const policy = await Policy.load('a', [{ origin: 'builtin', path: 'a.toml', text }]);
  const hands: Hands = {
    look: ({ id }) => ({ outcome: keys.has(id) ? 'present' : 'absent', expiresIn: 60 }),
    fetch: async () => ({ outcome: { tag: 'failed', val: 'expired' }, destination: 'default' }),
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
  // @ts-expect-error there is no such origin
  await Policy.load('a', [{ origin: 'somewhere', path: 'a.toml', text: '' }]);
  // @ts-expect-error there is no such surface
  await resolve(policy, { surface: 'watch' }, hands);
  // @ts-expect-error hands have to look
  await resolve(policy, { surface: 'web' }, { fetch: hands.fetch });
  // @ts-expect-error a look says what came of it
  await resolve(policy, { surface: 'web' }, { ...hands, look: () => ({}) });
  // @ts-expect-error a failure says which
  await resolve(policy, { surface: 'web' }, { ...hands, fetch: () => ({ outcome: 'failed' }) });
  // @ts-expect-error an answer holds no secret
  await resolve(policy, { surface: 'web' }, { ...hands, fetch: () => ({ outcome: 'present', secret: '' }) satisfies ReturnType<Hands['fetch']> });
  // @ts-expect-error the sources are frozen
  policy.sources.pop();
}

export function codes(error: unknown): string {
  if (error instanceof PolicyError) return error.diagnostics.map(({ code }) => code).join();
  if (error instanceof HandsError) return `${error.hand} ${error.source}`;
  if (error instanceof EngineError) return error.code;
  return error instanceof KeyruleError ? error.message : '';
}
