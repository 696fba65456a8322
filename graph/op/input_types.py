"""input_types.py: writes input_types.txt, what element types the inputs of ONNX's operators take, from the schemas of Python's onnx.

A line is an operator, the version of a schema, and a word for each input: the name of its type (inputs of one name have
one type), "=", and the kinds it takes: f floats, i integers, b truth values, s strings, c complex numbers, * anything, as
where it takes sequences too. "..." is behind the last input where there may be more of it."""
import re, sys
import onnx.defs as defs

KINDS = {'float': 'f', 'float16': 'f', 'bfloat16': 'f', 'double': 'f', 'bool': 'b', 'string': 's', 'complex64': 'c', 'complex128': 'c'}

def kinds(types):
    found = set()
    for t in types:
        m = re.fullmatch(r'tensor\((\w+)\)', t)
        found.add('*' if not m else KINDS.get(m[1], 'i'))
    return '*' if '*' in found or len(found) == 5 else ''.join(sorted(found))

lines = []
for s in defs.get_all_schemas_with_history():
    if s.domain != '' or s.deprecated or not s.inputs:
        continue
    allowed = {c.type_param_str: c.allowed_type_strs for c in s.type_constraints}
    words = []
    for i, p in enumerate(s.inputs):
        name = p.typeStr if p.typeStr in allowed else '-'
        more = p.option == defs.OpSchema.FormalParameterOption.Variadic
        if more and not p.isHomogeneous:
            name = '-'
        words.append(f"{name}={kinds(allowed.get(p.typeStr, [p.typeStr]))}{'...' if more else ''}")
    lines.append((s.name, s.since_version, ' '.join(words)))
lines.sort()
out, last = [], None
for name, since, words in lines:  # what says nothing, or the same as the version before, is left out
    says = re.sub(r'\S=\*(\.\.\.)?', '', words).strip()
    if last != (name, words) and (says or last and last[0] == name):
        out.append(f'{name} {since} {words}\n')
    last = name, words
open(sys.argv[1], 'w').writelines(out)
