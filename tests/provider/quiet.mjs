// Silences what the library says about being set up for tests. What goes in
// is a step; what comes out is its result, without those warnings.

export async function quietly(step) {
  const { warn, info } = console;
  console.warn = () => {};
  console.info = () => {};
  try {
    return await step();
  } finally {
    Object.assign(console, { warn, info });
  }
}
