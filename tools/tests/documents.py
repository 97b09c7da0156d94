#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The manual: the tests that Documentation/security.rst names are there, and Sphinx, if this
machine has it, has nothing to say. TAP."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def read(path):
    with open(os.path.join(TOP, path), encoding='utf-8') as f:
        return f.read()


def missing_tests(text):
    """Of "FOLDER/SUITE TEST, TEST" what no file of selftests has."""
    literal = r'``((kvmlite|vswitch|vblk|vgpu)/([a-z_]+))(\s+[a-z_0-9]+)?``'
    out, count = [], 0
    for m in re.finditer(literal + r'((?:,\s+``[a-z_0-9]+``)*)', text):
        path = f'selftests/{m[2]}/{m[3]}.c'
        if not os.path.exists(os.path.join(TOP, path)):
            out.append(path)
            continue
        source = read(path)
        names = re.findall(r'[a-z_0-9]+', (m[4] or '') + m[5])
        out += [f'{path}: {n}' for n in names if f'{{ "{n}"' not in source]
        count += len(names)
    return out, count


def missing_suites(text):
    sources = ''
    for folder in ('kvmlite', 'kvmlite/irqchip', 'kvmlite/vmx', 'kvmlite/svm', 'vswitch',
                   'vblk', 'vgpu_mdev'):
        for name in os.listdir(os.path.join(TOP, folder)):
            if name.endswith('_test.c'):
                sources += read(os.path.join(folder, name))
    named = re.findall(r'KUnit\s+``(\w+)``(?:,\s+``(\w+)``)?', text)
    names = [n for pair in named for n in pair if n]
    return [n for n in names if f'.name = "{n}"' not in sources], len(names)


def main():
    text = read('Documentation/security.rst')
    results = []
    tests, count = missing_tests(text)
    results.append(('tests that the security model names are there',
                    not tests and count > 80, tests or [f'{count} names']))
    suites, count = missing_suites(text)
    results.append(('so are the KUnit suites', not suites and count > 3, suites))
    for n, (name, good, details) in enumerate(results, 1):
        print(f'{"ok" if good else "not ok"} {n} - {name}')
        if not good:
            print(''.join(f'# {line}\n' for line in details), end='')
    name = 'Sphinx has nothing to say'
    n = len(results) + 1
    failed = not all(good for _, good, _ in results)
    if not shutil.which('sphinx-build'):
        print(f'ok {n} - {name} # SKIP it is not installed: make docs does it')
    else:
        with tempfile.TemporaryDirectory() as out:
            r = subprocess.run(['sphinx-build', '-q', '-W', '--keep-going', '-b', 'html',
                                os.path.join(TOP, 'Documentation'), out], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(f'{"not ok" if r.returncode or r.stdout.strip() else "ok"} {n} - {name}')
        print(''.join(f'# {line}\n' for line in r.stdout.splitlines()), end='')
        failed |= bool(r.returncode or r.stdout.strip())
    print(f'1..{n}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
