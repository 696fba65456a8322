// Runs models in ONNX Runtime, one request after another.
//
//   node --input-type=module --eval (this file) FOLDER   (its node_modules is used)
//
// A message, in either direction, is the length of its JSON header in four
// bytes (little endian), the header, and the elements of the tensors that the
// header lists, one after another.
//   request:  {model, optimize, fetches, tensors: [{name, type, dims, bytes}]}
//   response: {tensors: [...]} or {error}
import { readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const ort = createRequire(join(process.argv[1], 'x.js'))('onnxruntime-node');

const arrays = {
  float32: Float32Array, float64: Float64Array, float16: globalThis.Float16Array ?? Uint16Array,
  int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array,
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array, bool: Uint8Array,
};

// read gives n bytes of standard input, or null at its end.
function read(n) {
  const bytes = new Uint8Array(n);
  for (let at = 0; at < n;) {
    const got = readSync(0, bytes, at, n - at);
    if (got === 0) return null;
    at += got;
  }
  return bytes;
}

function write(bytes) {
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
}

function send(header, payloads) {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  write(length);
  write(text);
  payloads.forEach(write);
}

async function run({ model, optimize, fetches, tensors }, feeds) {
  const session = await ort.InferenceSession.create(model, {
    graphOptimizationLevel: optimize ? 'all' : 'disabled',
    intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4,
  });
  try {
    const results = await session.run(feeds, fetches ?? session.outputNames);
    const payloads = [];
    const list = Object.entries(results).map(([name, { type, dims, data }]) => {
      if (!arrays[type]) throw new Error(`output ${name}: elements of type ${type}`);
      payloads.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
      return { name, type, dims, bytes: data.byteLength };
    });
    send({ tensors: list }, payloads);
  } finally {
    await session.release();
  }
}

for (;;) {
  const length = read(4);
  if (!length) break;
  const request = JSON.parse(Buffer.from(read(Buffer.from(length).readUInt32LE())));
  const feeds = {};
  for (const { name, type, dims, bytes } of request.tensors) {
    feeds[name] = new ort.Tensor(type, new arrays[type](read(bytes).buffer), dims);
  }
  try {
    await run(request, feeds);
  } catch (e) {
    send({ error: String(e?.message ?? e) }, []);
  }
}
