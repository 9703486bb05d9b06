/**
 * The loop, as the host has it in `host/src/resolve.rs`: ask the engine for
 * the next step, let the embedder's hands carry out that one step, report
 * what they saw, until a credential is used or refused. What goes in is a
 * policy, a session and hands; what comes out is which source's credential
 * may be used, or why none. It compares nothing and chooses nothing.
 */

import { EngineError, HandsError } from './errors.js';
import { observation } from './observation.js';
import { checkFinding, Steps } from './steps.js';

export async function resolve(policy, session, hands) {
  // One answer for the whole resolution, whatever becomes of the object.
  const circumstances = { surface: session.surface, interactive: session.interactive === true };
  const { sources } = policy;
  const resolution = {
    policy,
    facts: sources.map(() => ({ state: 'unknown', consent: 'undecided' })),
    evidence: sources.map(() => ({ consent: 'undecided', seen: undefined })),
    steps: [],
  };
  const { facts, evidence, steps } = resolution;
  const checked = new Steps(sources.length);
  for (;;) {
    const { tag, val } = checked.check(circumstances, facts, policy.decide(circumstances, facts));
    if (tag === 'use' || tag === 'refuse') {
      const end = tag === 'use' ? { source: sources[val] } : { refused: val };
      return { verdict: tag, ...end, steps, explanation: policy.explain(circumstances, evidence) };
    }
    steps.push({ step: tag, source: sources[val].id });
    const answer = await hand(hands, tag, sources[val]);
    if (tag === 'ask') consent(resolution, val, 'ask', answer);
    else judge(resolution, val, tag, answer);
  }
}

/** Lets a hand carry out its step. What it throws ends the resolution. */
async function hand(hands, name, source) {
  if (typeof hands[name] !== 'function') {
    throw new HandsError('hands-missing', name, source, 'is needed and is not there');
  }
  return hands[name](source);
}

/** Lets the engine say what an observation means, and remembers that. */
function judge(resolution, index, name, answer) {
  const { policy, facts, evidence } = resolution;
  const source = policy.sources[index];
  let seen;
  let finding;
  try {
    seen = observation(answer, name === 'get');
    finding = policy.observe(index, seen);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    // What is wrong with it is not repeated: the words could be a secret.
    throw new HandsError('hands-misbehaved', name, source, 'answers what is no observation');
  }
  checkFinding(index, seen, finding);
  evidence[index].seen = seen;
  facts[index].state = finding.state;
  // Only what is there can have been approved or declined before.
  if (name === 'look' && source.asks && seen.outcome.tag === 'present') {
    consent(resolution, index, 'look', answer.consent ?? 'undecided');
  }
}

function consent({ policy, facts, evidence }, index, name, answer) {
  const answers = name === 'ask' ? ['approved', 'declined'] : ['undecided', 'approved', 'declined'];
  if (!answers.includes(answer)) {
    const what = `answers a consent that is none of ${answers.join(', ')}`;
    throw new HandsError('hands-misbehaved', name, policy.sources[index], what);
  }
  facts[index].consent = answer;
  evidence[index].consent = answer;
}
