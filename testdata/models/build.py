#!/usr/bin/python3
"""Builds the detectors of this folder and their answer keys.

    build.py                    write NAME.onnx, NAME.json and SHA256SUMS here
    build.py --check MODULES    hold what is here against a fresh build, PyTorch
                                and ONNX Runtime; MODULES is the node_modules
                                folder that has onnxruntime-node
"""
import argparse
import hashlib
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "src"))

import torch  # noqa: E402

import check  # noqa: E402
import faults  # noqa: E402
from export import export  # noqa: E402
from table import SPECS, key  # noqa: E402

LIMIT = 5_000_000   # bytes, all models and keys together
SUMS = "SHA256SUMS"


def build(folder):
    """Writes every model, key and checksum; returns the names of the files."""
    names = []
    for spec in SPECS:
        export(spec, folder)
        names.append(spec.name + ".onnx")
        if spec.external:
            names.append(spec.name + ".onnx.data")
        with open(os.path.join(folder, spec.name + ".json"), "w") as f:
            json.dump(key(spec), f, indent=1)
            f.write("\n")
        names.append(spec.name + ".json")
    with open(os.path.join(folder, SUMS), "w") as f:
        for name in sorted(names):
            f.write("%s  %s\n" % (sha256(os.path.join(folder, name)), name))
    return sorted(names)


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def check_files(folder):
    """A fresh build gives the same bytes, and README.md the same checksums."""
    with open(os.path.join(folder, "README.md")) as f:
        readme = f.read()
    total = 0
    with tempfile.TemporaryDirectory() as fresh:
        for name in build(fresh) + [SUMS]:
            here, there = os.path.join(folder, name), os.path.join(fresh, name)
            check.need(sha256(here) == sha256(there), "%s: a fresh build differs", name)
            total += os.path.getsize(here)
            check.need(not name.endswith((".onnx", ".data")) or sha256(here) in readme,
                       "%s: not the checksum in README.md", name)
    check.need(total < LIMIT, "%d bytes in all, the limit is %d", total, LIMIT)
    print("files: same bytes as a fresh build, %d in all" % total)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", metavar="MODULES")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not args.check:
        for name in build(HERE):
            print("%8d  %s" % (os.path.getsize(os.path.join(HERE, name)), name))
        return 0
    count = 0
    runtime = check.Runtime(args.check)
    try:
        check_files(HERE)
    except check.Fault as fault:
        print("FAULT files:", fault)
        count += 1
    for spec in SPECS:
        try:
            for line in check.check_model(spec, HERE, runtime):
                print(line)
        except check.Fault as fault:
            print("FAULT %s: %s" % (spec.name, fault))
            count += 1
    if not count:  # a fault is planted in keys that hold
        for text in faults.missed(HERE, runtime):
            print("FAULT in the check:", text)
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
