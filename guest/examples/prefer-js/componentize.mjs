// `node componentize.mjs FILE` makes the component. Whatever the engine could
// use of its system is left out, because an override imports nothing.
import { readFile, writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const [output] = process.argv.slice(2);
const here = (path) => new URL(path, import.meta.url).pathname;
const { component } = await componentize(await readFile(here('prefer.js'), 'utf8'), {
  witPath: here('../../../wit'),
  worldName: 'policy-override',
  disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
});
await writeFile(output, component);
