/**
 * Keyrule's policy engine for JavaScript, in Node and in browsers: which
 * credential may be used, decided by a component that imports nothing.
 *
 * ```js
 * import { Policy, resolve } from './keyrule.js';
 *
 * const policy = await Policy.load('web', [{ place: 'builtin', path: 'web.toml', text }]);
 * const keys = new Map();
 * const end = await resolve(policy, { surface: 'web' }, {
 *   look: (source) => ({ outcome: supplied.has(source.id) ? 'present' : 'absent' }),
 *   get: async (source) => {
 *     keys.set(source.id, await supplied.get(source.id)());
 *     return { outcome: 'present' };
 *   },
 * });
 * if (end.verdict === 'use') send(end.source.headers, keys.get(end.source.id));
 * else console.error(end.explanation.summary);
 * ```
 *
 * The types of the contract (`Source`, `Verdict`, `Table` and so on) are those
 * that jco makes of `wit/policy.wit`, which documents each: names are in
 * camelCase, a case of an enum is its name, a variant is `{ tag, val }`, an
 * option that is not there is `undefined`, 64-bit numbers are `bigint`.
 */

import type {
  About,
  Concern,
  Consent,
  Counterpart,
  Destination,
  Diagnostic,
  Document,
  Explanation,
  Fact,
  Finding,
  Lifetime,
  Outcome,
  Refused,
  Source,
  StoreKind,
  Surface,
  Table,
  Tier,
  Verdict,
} from './engine/interfaces/keyrule-policy-engine.js';

export type * from './engine/interfaces/keyrule-policy-engine.js';

/** In which circumstances a credential is asked for. */
export interface Session {
  /** The kind of session. */
  readonly surface: Surface;
  /** Whether somebody is there to answer a question; not, unless it is `true`. */
  readonly interactive?: boolean;
}

/** A variant, whose cases without a value may be written as their names alone. */
export type Short<V extends { tag: string }> =
  | V
  | Exclude<V, { val: unknown }>['tag'];

/**
 * What a hand saw of a source, without its value. Only these fields go into
 * the engine; the texts among them must not be secret.
 */
export interface Seen {
  /** What came of it: `'absent'`, `'present'`, `{ tag: 'trouble', val: 'expired' }`. */
  readonly outcome: Short<Outcome>;
  /** Words about it: a status, a position. */
  readonly detail?: string;
  /** Where it was found: a variable, a file. */
  readonly foundIn?: string;
  /** Who can write the settings file that it was found in. */
  readonly tier?: Tier;
  /** Where it would be sent; the source's default, where nothing is said. */
  readonly destination?: Short<Destination>;
  /** Seconds until it ends, negative when it has ended. */
  readonly expiresIn?: number | bigint;
  /** Whether it can be renewed when it has ended; not, unless it is `true`. */
  readonly renewable?: boolean;
  /** The account that it belongs to. */
  readonly account?: string;
  /** The organisation that it belongs to. */
  readonly organization?: string;
  /** Which store keeps it. */
  readonly keptIn?: StoreKind;
  /** What a helper's TTL variable says. */
  readonly lifetime?: Short<Lifetime>;
}

/** What a look brought. */
export interface Look extends Seen {
  /** What the user said about this very key before, where the source `asks`. */
  readonly consent?: Consent;
}

/** What is known of a source, to be explained. */
export interface Known {
  /** What the user has said about it; nothing, where it is left out. */
  readonly consent?: Consent;
  /** The latest observation, and whether it was got and not only looked at. */
  readonly seen?: Seen & { readonly got?: boolean };
}

/** A policy with its restrictions, in an instance of the engine of its own. */
export class Policy {
  private constructor();

  /**
   * Reads documents, picks the policy among them and merges the restrictions
   * into it. The engine believes what each says of its `place`: whether a
   * document can be trusted is the embedder's business. It runs here without
   * the host's limits on steps and memory: what strangers wrote belongs into a
   * worker that can be ended.
   *
   * @throws {PolicyError} with everything that is wrong with them.
   */
  static load(name: string, documents: readonly Readonly<Document>[]): Promise<Policy>;

  /** Finds the sources that two policies have in common, by what they read. */
  static align(before: Policy, after: Policy): Promise<Counterpart[]>;

  /** The name that it was loaded by. */
  readonly name: string;

  /** What it is, for whom, and what is odd about its documents. Frozen. */
  get about(): About;

  /**
   * The sources, in the order in which they are tried, frozen. A place in this
   * list is how every other function names a source.
   */
  get sources(): readonly Source[];

  /**
   * Judges what was seen of a source.
   *
   * @throws {RangeError} where the policy has no such source.
   */
  observe(source: number, seen: Seen & { readonly got?: boolean }): Finding;

  /**
   * Names the next step; `resolve` does this, checks it and carries it out.
   *
   * @throws {RangeError} where there is not one fact for each source.
   */
  decide(session: Session, facts: readonly Readonly<Fact>[]): Verdict;

  /** `decide` for every combination of one fact for each source out of its list. */
  decideEvery(session: Session, facts: readonly (readonly Readonly<Fact>[])[]): Verdict[];

  /** The sources that an override may choose from in such a session. */
  candidates(session: Session): { source: number; counts: boolean }[];

  /** `decide`, once an override has chosen one of the candidates, or none. */
  decideChosen(session: Session, facts: readonly Readonly<Fact>[], chosen?: number): Verdict;

  /** Explains the decision that follows from what is known of each source. */
  explain(session: Session, evidence: readonly Known[]): Explanation;

  /** `explain`, once an override has chosen one of the candidates, or none. */
  explainChosen(session: Session, evidence: readonly Known[], chosen?: number): Explanation;

  /** Lists everything that the policy decides. */
  table(): Table;

  /** Lists what its author may not have meant. */
  lint(): Concern[];
}

/**
 * What the embedder does in the world, one step at a time and only when the
 * policy asks for it. A hand may be async. What it throws ends the resolution
 * and comes out of `resolve` as it is. A credential stays with the hand that
 * got it: it is no part of any answer.
 */
export interface Hands {
  /** Says whether a source is there: no prompt, no process, no network. */
  look(source: Source): Look | Promise<Look>;
  /** Gets the credential and keeps it; says what came of it. */
  get(source: Source): Seen | Promise<Seen>;
  /** Asks the user. Needed where somebody is there and a source `asks`. */
  ask?(source: Source): 'approved' | 'declined' | Promise<'approved' | 'declined'>;
}

/** A step that was carried out, and the id of its source. */
export interface Step {
  readonly step: 'look' | 'ask' | 'get';
  readonly source: string;
}

/** How a resolution ended. */
export type Resolution = {
  /** Every step, in order: what is not here was not even looked at. */
  readonly steps: readonly Step[];
  /** The decision in words, with the rule behind it and what would help. */
  readonly explanation: Explanation;
} & (
  | {
      readonly verdict: 'use';
      /** The credential of this source, which a hand has got, may be used. */
      readonly source: Source;
      readonly refused?: undefined;
    }
  | {
      readonly verdict: 'refuse';
      /** Why nothing may be used. */
      readonly refused: Refused;
      readonly source?: undefined;
    }
);

/**
 * Asks the policy for the next step, lets the hands carry it out, until a
 * credential may be used or none. Every answer of the engine is checked: each
 * step happens at most once for each source, and only where the facts allow it.
 *
 * @throws {HandsError} where a hand is missing or answers what it must not.
 * @throws {EngineError} where the engine misbehaves.
 */
export function resolve(policy: Policy, session: Session, hands: Hands): Promise<Resolution>;

/** Any error of this module. */
export class KeyruleError extends Error {
  /** A stable code. */
  readonly code:
    | 'policy-rejected'
    | 'engine-trapped'
    | 'engine-misbehaved'
    | 'hands-missing'
    | 'hands-misbehaved';
}

/** The documents were rejected: `policy-rejected`. */
export class PolicyError extends KeyruleError {
  /** Everything that is wrong with them. */
  readonly diagnostics: Diagnostic[];
}

/**
 * The engine trapped, and its policy is of no use any more, or it answered
 * what must not be carried out: `engine-trapped`, `engine-misbehaved`.
 */
export class EngineError extends KeyruleError {}

/** A hand is missing or answered what it must not: `hands-missing`, `hands-misbehaved`. */
export class HandsError extends KeyruleError {
  /** Which hand. */
  readonly hand: string;
  /** The id of the source that it was to be used on. */
  readonly source: string;
}
