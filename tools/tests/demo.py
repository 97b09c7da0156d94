#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""tests/demo.py [OPTION]...: the demo as somebody at a terminal has it.

usage: demo.py [--bed BED] [--limit SECONDS]

Runs scripts/demo on a terminal of its own, types into the guest's shell, and
judges what is on the screen. Then once more without a terminal, as in a log,
and with LONG=1 once with Ctrl-a x in the middle. Prints TAP.
"""

import argparse
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
            for line in text.splitlines()[-40:]:
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


def piped(tap, argv, limit):
    try:
        r = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, errors='replace', timeout=limit)
        status, text = r.returncode, r.stdout
    except subprocess.TimeoutExpired as e:
        status, text = None, (e.stdout or b'').decode(errors='replace')
    tap.check(status == 0, f'without a terminal: status {status}', text)
    tap.check('guest: /init reached' in text, 'the time to /init', text)
    tap.check(re.search(r'Linux version .*Debian', text), 'an unmodified kernel of Debian', text)
    tap.check('what the guest wrote is on the disk' in text, 'the disk', text)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0], allow_abbrev=False)
    p.add_argument('--bed', default='qemu')
    p.add_argument('--limit', type=int, default=400)
    o = p.parse_args()
    argv = [DEMO, '--bed', o.bed]
    tap = Tap()
    typed(tap, argv, o.limit)
    if os.environ.get('LONG'):
        cut_short(tap, argv, o.limit)
    piped(tap, argv, o.limit)
    print(f'1..{tap.number}')
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
