#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""tests/demo.py [OPTION]...: the demo as somebody at a terminal has it.

usage: demo.py [--bed BED] [--limit SECONDS] [typed|whole|cut-short|spoiled]...

typed: runs scripts/demo on a terminal of its own, types into the guest's shell, and
judges what is on the screen. whole: both acts without a terminal, as in a log; what the
table at the end says is computed once more from what it was made of. With LONG=1 also
cut-short: Ctrl-a x in the middle, and spoiled: steps of the second act that must fail, and
the demo with them. Prints TAP.
"""

import argparse
import json
import os
import pty
import re
import select
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
DEMO = os.path.join(TOP, 'scripts/demo')


class Screen:
    """A program on a terminal, and what it has shown so far."""

    def __init__(self, argv, limit):
        self.text = ''
        self.end = time.monotonic() + limit
        self.seen = 0
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir(TOP)
            os.execv(argv[0], argv)

    def read(self):
        """More of it; False when there is no more, or no more time."""
        left = self.end - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:             # the other side is gone
            return False
        self.text += data.decode(errors='replace')
        # A terminal that is asked where its cursor is says so. What asks may come in parts.
        for _ in range(self.text.count('\x1b[6n')):
            os.write(self.fd, b'\x1b[24;5R')
        self.text = self.text.replace('\x1b[6n', '')
        return bool(data)

    def expect(self, pattern):
        """Wait for it in what has not been looked at yet."""
        while True:
            m = re.compile(pattern).search(self.text, self.seen)
            if m:
                self.seen = m.end()
                return True
            if not self.read():
                return False

    def type(self, line):
        # One by one, as fingers do.
        for c in line:
            os.write(self.fd, c.encode())
            time.sleep(0.02)

    def finish(self):
        """Its exit status; a negative one if it had to be killed."""
        while self.read():
            pass
        if time.monotonic() >= self.end:
            os.kill(self.pid, 15)
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def line(text):
    """A line of output. A terminal's answer may be echoed before or behind it."""
    answer = r'(\^\[\[24;5R)*'
    return rf'\n{answer}{text}{answer}\r'


class Tap:
    def __init__(self):
        self.number = self.failed = 0

    def check(self, good, name, text=''):
        self.number += 1
        self.failed += not good
        print(f'{"ok" if good else "not ok"} {self.number} - {name}', flush=True)
        if not good:
            for line in str(text).splitlines()[-40:]:
                print('# ' + line)
        return good


def typed(tap, argv, limit):
    s = Screen(argv, limit)
    if tap.check(s.expect(r'[#$] $'), 'a shell asks for a line', s.text):
        s.type('echo six times seven is $((6*7))\r')
        tap.check(s.expect(line('six times seven is 42')), 'and does what is typed', s.text)
        s.type('cat /sys/hypervisor/type /proc/cpuinfo | grep -c hypervisor\r')
        tap.check(s.expect(line('1')), 'in a virtual machine', s.text)
        # Not before it runs: a shell that is just starting it may have the Ctrl-c instead.
        s.type('(echo begun; exec sleep 1000)\r')
        tap.check(s.expect(line('begun')), 'begins what takes long', s.text)
        s.type('\x03')
        tap.check(s.expect('[#$] $'), 'Ctrl-c ends what runs in the guest', s.text)
        s.type('exit\r')
    status = s.finish()
    tap.check(status == 0, f'ends with status {status}', s.text)
    tap.check('what the guest wrote is on the disk' in s.text, 'the guest wrote to its disk',
              s.text)
    tap.check(re.search(r'exits', s.text), 'a summary ends it', s.text)


def cut_short(tap, argv, limit):
    s = Screen(argv, limit)
    if tap.check(s.expect(r'[#$] $'), 'a shell again', s.text):
        s.type('\x01x')
    status = s.finish()
    tap.check(status not in (0, -15), f'Ctrl-a x ends it, status {status}', s.text)


def logged(argv, limit):
    """Status and text of a run without a terminal; None for one that did not end."""
    try:
        r = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, errors='replace', timeout=limit)
        return r.returncode, r.stdout
    except subprocess.TimeoutExpired as e:
        return None, (e.stdout or b'').decode(errors='replace')


class Table:
    """The table of the second act, and what it was made of."""

    def __init__(self, text):
        _, _, end = text.partition('what ran, and what was measured')
        self.rows = {m.group(1).strip(): m.group(2) for m in
                     re.finditer(r'^  (\S.{25}) (.*)$', end, re.M)}
        self.raw = dict(re.findall(r'^raw: (\S+) (.*)$', end, re.M))

    def __getitem__(self, row):
        return self.rows.get(row, '')

    def data(self, key):
        try:
            return json.loads(self.raw[key])
        except (KeyError, ValueError):
            return None

    def number(self, row):
        """The first one in it."""
        m = re.search(r'[0-9.]+', self[row])
        return float(m.group()) if m else -1


# What the guests and the container copy from one another.
COPIES = (('one', 'two'), ('two', 'one'), ('one', 'box'), ('box', 'two'))


def speeds(t, mib):
    """Rows with a rate, and what it should be by the times that were taken."""
    rows = {f'file {a} -> {b}': f'copy.{a}.{b}' for a, b in COPIES}
    rows.update({f'{g} writes to its disk': f'write.{g}' for g in ('one', 'two')})
    for row, key in rows.items():
        begin, end = map(float, t.raw.get(key, '0 -1').split())
        yield row, t.number(row), mib / max(end - begin, 0.01)


def network(tap, t, text):
    mib = 4
    tap.check(all(t.number(f'ping {a} -> {b}') >= 0 for a, b in
                  (('one', 'two'), ('two', 'box'), ('box', 'one'))),
              'all reach one another', text)
    sums = [t.raw.get(f'sum.{m}') for m in ('golden', 'one', 'two', 'box')]
    tap.check(None not in sums and len(set(sums)) == 4, 'each has a file of its own', text)
    tap.check(all(t.raw.get(f'sum.{a}', 1) == t.raw.get(f'sum.{a}.{b}', 2) for a, b in COPIES),
              'a copy is what was copied', text)
    for row, said, is_ in speeds(t, mib):
        tap.check(abs(said - is_) <= 0.06, f'the rate of "{row}": {said}, {is_:.2f} MiB/s', text)
    for port, name in (('one', 'one'), ('two', 'two'), ('box0', 'box')):
        p = t.data(f'port.{port}') or {}
        gets = mib * sum(b == name for _, b in COPIES)
        gives = mib * sum(a == name for a, _ in COPIES)
        tap.check(gets << 20 <= p.get('out_bytes', 0) < gets + 2 << 20 and
                  gives << 20 <= p.get('in_bytes', 0) < gives + 2 << 20,
                  f'all of it went through the port of {name}, and little else', p)


def gpu(tap, t, text):
    before, after = (t.data(f'gpu.{w}') or [] for w in ('before', 'after'))
    done = [b['units'] - a['units'] for a, b in zip(before, after)]
    tap.check(len(done) == 2 and min(done) > 0, 'both slices have worked', text)
    for g, n, given in zip(('one', 'two'), done, (75, 25)):
        share, row = 100 * n / sum(done), f"{g}'s share of the GPU"
        tap.check(abs(share - t.number(row)) <= 0.06 and abs(share - given) <= 2 and
                  f'of {sum(done)} work units' in t[row] and f'given {given} %' in t[row],
                  f'{g} has had {share:.2f} % of {given}', t[row])
        tap.check('CRC-32C e3069283' in t[f'{g} computes'], f'{g} computes', text)


def disks(tap, t, text):
    golden, one = t.raw.get('sum.golden'), t.raw.get('sum.one')
    tap.check(t.raw.get('look.copy') == f'{golden} {one} no' and
              t['clone of the snapshot'].startswith('verified'),
              'the clone has what was there, and nothing of later', text)
    tap.check(t.raw.get('look.golden') == f'{golden} none no' and
              t['golden image, in the end'] == 'as it was', 'the golden image has not changed',
              text)
    tap.check(int(t.raw.get('churn.snapshot', 0)) > int(t.raw.get('churn.before', 0)) > 0,
              'the guest wrote meanwhile', text)
    used, more = (int(t.raw.get(f'pool.{w}', 0)) for w in ('golden', 'clones'))
    tap.check(4 << 20 <= used and more - used < 1 << 20 and t['golden image'] ==
              f'{used // 1024} KiB; its two clones {(more - used) // 1024} KiB more',
              'clones take next to nothing', t['golden image'])


def machines(tap, t, text):
    for g in ('one', 'two'):
        vm = t.data(f'vm.{g}') or {}
        c = vm.get('counters', {})
        tap.check(vm.get('status') == 0 and vm.get('device') == '/dev/kvmlite',
                  f'{g} was a guest of kvmlite and switched itself off', text)
        mark = vm.get('mark') or {'ns': 0, 'ticks': 0}
        tap.check(mark['ns'] and abs(t.number(f'{g} to /init') - mark['ns'] / 1e9) <= 0.01 and
                  f"{mark['ticks']} TSC ticks" in t[f'{g} to /init'], 'its time to /init',
                  t[f'{g} to /init'])
        out = sum(vm.get('user_exits', {}).values())
        tap.check(0 < out < c.get('exits', 0) and t[f'{g}, exits'] ==
                  f"{c['exits']} exits, {out} of them to the VMM", 'its exits', t[f'{g}, exits'])
        small, large = c.get('pages_4k', 0), c.get('pages_2m', 0)
        tap.check(16 << 20 < (small << 12) + (large << 21) <= 220 << 20 and
                  0 < c.get('tdp_fault', 0) and t[f'{g}, memory'] ==
                  f"{c['tdp_fault']} faults; mapped {small} pages of 4 KiB, {large} of 2 MiB",
                  'its memory', t[f'{g}, memory'])
    spaces = [t.raw.get(f'ns.{n}', '').split() for n in ('user', 'mnt', 'pid', 'net')]
    tap.check(all(len(s) == 2 and s[0] != s[1] for s in spaces),
              'the container has namespaces of its own', spaces)
    tap.check(int(t.raw.get('box.pids', 0)) > 0 and
              0 < int(t.raw.get('box.kib', 0)) <= 65536, 'its limits hold', t['container box'])


def whole(tap, argv, limit):
    status, text = logged(argv + ['--act', '12', '--raw'], limit)
    tap.check(status == 0, f'without a terminal: status {status}', text)
    tap.check('guest: /init reached' in text, 'the time to /init', text)
    tap.check(re.search(r'Linux version .*Debian', text), 'an unmodified kernel of Debian', text)
    tap.check('what the guest wrote is on the disk' in text, 'the disk', text)
    tap.check(all(re.search(rf'^ *{m} +loaded', text, re.M) for m in
                  ('kvmlite', 'vswitch', 'vblk', 'vgpu_mdev')), 'four modules', text)
    t = Table(text)
    tap.check('FAILED' not in text and t['all of it'], 'all steps to the end', text)
    text = text[-6000:]
    network(tap, t, text)
    gpu(tap, t, text)
    disks(tap, t, text)
    machines(tap, t, text)


def spoiled(tap, argv, limit):
    """A step that goes wrong is named, and the status tells."""
    for step, name in (('copy', 'files from one to another'),
                       ('shares', 'both at once, as much as they get'),
                       ('snapshot', 'what is in the clone?')):
        status, text = logged(argv + ['--act', '2', '--sabotage', step], limit)
        tap.check(status == 1 and re.search(rf'^FAILED: {re.escape(name)}', text, re.M) and
                  re.search(rf'^  FAILED +{re.escape(name)}', text, re.M),
                  f'without {step} it fails, status {status}', text)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0], allow_abbrev=False)
    p.add_argument('--bed', default='qemu')
    p.add_argument('--limit', type=int, default=600)
    p.add_argument('part', nargs='*', choices=('typed', 'whole', 'cut-short', 'spoiled', []))
    o = p.parse_args()
    parts = o.part or ['typed', 'whole'] + (
        ['cut-short', 'spoiled'] if os.environ.get('LONG') else [])
    argv = [DEMO, '--bed', o.bed]
    tap = Tap()
    if 'typed' in parts:
        typed(tap, argv + ['--act', '1'], o.limit)
    if 'cut-short' in parts:
        cut_short(tap, argv, o.limit)
    if 'whole' in parts:
        whole(tap, argv, o.limit)
    if 'spoiled' in parts:
        spoiled(tap, argv, o.limit)
    print(f'1..{tap.number}')
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
