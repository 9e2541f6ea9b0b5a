// ONNX Runtime beside Comity's benchmarks, by its package for Node: npm install --ignore-scripts onnxruntime-node somewhere, NODE_PATH to its
// node_modules. Commands as in torch_rival.py:
//   make NAME FILE NAMED-SHAPE…   loads a model; a shape such as 1,784
//   cpu NAME SECONDS              runs it for about so long; prints seconds of this process's CPU time for one run
// One thread, sequential, all graph optimisations; the input stays where it is. The binding's own microseconds are within.
const ort = require('onnxruntime-node');
const work = {};

async function main() {
  console.log(require('onnxruntime-node/package.json').version);
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    const [verb, name, ...rest] = line.trim().split(/\s+/);
    if (!verb || verb === 'quit') break;
    if (verb === 'make') {
      const session = await ort.InferenceSession.create(rest[0], { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all' });
      const shape = rest[1].split(',').map(Number);
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * Math.random() - 1);
      work[name] = { session, feeds: { [session.inputNames[0]]: new ort.Tensor('float32', values, shape) } };
      console.log(0);
      continue;
    }
    const { session, feeds } = work[name];
    const end = process.hrtime.bigint() + BigInt(Math.round(Number(rest[0]) * 1e9));
    const before = process.cpuUsage();
    let runs = 0;
    while (process.hrtime.bigint() < end) {
      for (let i = 0; i < 5; i++) await session.run(feeds);
      runs += 5;
    }
    const used = process.cpuUsage(before);
    console.log((used.user + used.system) / 1e6 / runs);
  }
  process.exit(0);
}
main();
