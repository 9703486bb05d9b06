/**
 * Prints the sessions of `sandbox.mjs`: `node guest/web/example.mjs`.
 */

import { sessions } from './sandbox.mjs';

for (const { name, surface, summary, sources } of await sessions()) {
  console.log(`${name}, in a ${surface} session: ${summary}`);
  for (const { id, used, looked } of sources) {
    console.log(`  ${id.padEnd(12)} ${used ? 'used' : looked ? 'looked at' : 'not looked at'}`);
  }
}
