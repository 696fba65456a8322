// Runs one model in ONNX Runtime, its graph optimizations off.
//
//   node run.mjs JOB.json
//
// JOB: {"runtime": folder of node modules, "model": path, "folder": path,
//       "inputs": [{"name", "dims", "file"}]}   (float32, little endian)
// Writes output k as folder/k.bin and prints [{"name", "type", "dims"}].
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const ort = createRequire(resolve(job.runtime, 'x.js'))('onnxruntime-node');

const session = await ort.InferenceSession.create(job.model, {
  graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3,
});
const feeds = {};
for (const { name, dims, file } of job.inputs) {
  const bytes = readFileSync(file);
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  feeds[name] = new ort.Tensor('float32', values, dims);
}
const results = await session.run(feeds);
const index = session.outputNames.map((name, k) => {
  const { type, dims, data } = results[name];
  writeFileSync(join(job.folder, `${k}.bin`), Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return { name, type, dims };
});
process.stdout.write(JSON.stringify(index));
