# SPDX-License-Identifier: GPL-2.0
"""The emulated machine: starting it, its three serial lines, its verdict."""

import fcntl
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import tty

from initramfs import Cannot

CANNOT, TIMED_OUT, SPLAT = 125, 124, 99
# Seconds without a word after which a machine that has splatted is given up.
SILENCE = 300

# Bochs models and what the kernel must be told about each.
BOCHS_CPU = 'corei7_skylake_x'
BOCHS_QUIRKS = {
    # Its XSAVE sizes contradict one another as soon as AVX-512 is on. Its XSAVEC
    # and XSAVES put the upper halves of the YMM registers at byte 416 of the
    # image, over the header at 512, while XRSTOR looks for them at 576, where
    # they belong (SDM vol. 1, 13.4.3): the kernel's next XRSTOR of such an image
    # faults. The kernel does without the two, then; a program of the tests that
    # uses them itself shows it: set YMM3, XSAVEC, look where the bytes went.
    'corei7_skylake_x': 'clearcpuid=avx512f,xsaves,xsavec',
}

# What a splat looks like at the start of a line of the kernel's log.
SPLATS = re.compile(
    r'^(?:\[[ 0-9.]+\](?:\[[^]]*\])? )?(?:'
    r'WARNING: |BUG: |Oops|kernel BUG at |Kernel panic|general protection fault|'
    r'KASAN: |UBSAN: |INFO: task .* blocked for|INFO: trying to register non-static key|'
    r'rcu: INFO: .*(?:stall|self-detected)|watchdog: BUG|BUG |'
    r'INFO: possible|possible .* locking|INFO: inconsistent lock|'
    r'Unable to handle kernel|unchecked MSR access error|double fault|'
    r'stack segment|invalid opcode|divide error|refcount_t: |list_(?:add|del) corruption|'
    r'ODEBUG: |traps: PANIC|PANIC: |Slab corruption|=+\s*BUG|'
    r'Workqueue lockup|kmemleak: unreferenced object)')


def say(text):
    sys.stderr.write(f'run: {text}\n')
    sys.stderr.flush()


class Line:
    """Text from a serial port, cut into lines."""

    def __init__(self, handler):
        self.rest = b''
        self.handler = handler

    def feed(self, data):
        self.rest += data
        while True:
            line, nl, rest = self.rest.partition(b'\n')
            if not nl:
                return
            self.rest = rest
            self.handler(line.rstrip(b'\r').decode(errors='replace'))


class Machine:
    def __init__(self, o, tmp, out=1):
        self.o = o
        self.tmp = tmp
        self.out = out
        self.ports = {}         # fd -> handler of bytes
        self.command_fd = -1    # where the command's input goes
        self.to_guest = b''
        self.stdin_open = False
        self.stdin_ready = False
        self.frame_out = False
        self.process = None
        self.status = None      # the command's, as the guest reported it
        self.started = False
        self.failure = None
        self.splats = []
        self.panicked = 0
        self.last_output = 0
        self.last_word = 0      # when anything came, from any port
        self.asked = False      # what the machine says now was asked for
        self.log = None

    # What the three ports bring.

    def on_log(self, data):
        self.log.write(data)
        self.log.flush()
        self.log_lines.feed(data)

    def on_log_line(self, line):
        if SPLATS.match(line):
            # Before init runs, only what kills the kernel counts.
            if (self.started or 'Kernel panic' in line) and not self.asked:
                self.splats.append(re.sub(r'^\[[^]]*\]\s*', '', line))
        if 'end Kernel panic' in line:
            self.panicked = time.monotonic()

    def on_output(self, data):
        self.last_output = time.monotonic()
        while data:
            try:
                data = data[os.write(self.out, data):]
            except BlockingIOError:
                select.select([], [self.out], [], 1)
            except BrokenPipeError:
                raise KeyboardInterrupt from None

    def on_status(self, line):
        word, _, rest = line.partition(' ')
        if word == 'start':
            self.started = True
        elif word == 'ready':
            self.stdin_ready = True
        elif word == 'ack':
            self.frame_out = False
        elif word == 'fail':
            self.failure = rest
        elif word == 'leak':
            self.splats.append('kmemleak: memory was lost (see the kernel log)')
        elif word == 'busy':
            self.splats.append(f'module {rest} cannot be unloaded after every '
                               f'process has ended: a reference was lost')
        elif word == 'exit':
            self.status = int(rest)

    # The emulators.

    def listen(self, name):
        s = socket.socket(socket.AF_UNIX)
        s.bind(os.path.join(self.tmp, name))
        s.listen(1)
        return s

    def spawn(self, argv, **kw):
        def child():
            # The emulator must not outlive this program, however it ends.
            import ctypes
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)
            os.setpgrp()
        with open(os.path.join(self.tmp, 'emulator.log'), 'wb') as f:
            kw.setdefault('stdout', f)
            self.process = subprocess.Popen(argv, stdin=kw.pop('stdin', subprocess.DEVNULL),
                                            stderr=f, preexec_fn=child, **kw)

    def cmdline(self):
        o = self.o
        line = ['console=ttyS0,115200', 'panic=0', 'panic_on_warn=1', 'oops=panic',
                'printk.devkmsg=on', 'kunit.enable=1', 'nokaslr', 'mitigations=off']
        if o.bed == 'bochs':
            # The TSC counts instructions, so many a second as ips says, whatever
            # CPUID says of it: else a millisecond is 3.5 million of them, and
            # sleeping beside a busy program takes for ever.
            line += ['tsc=reliable', 'tsc_early_khz=50000',
                     BOCHS_QUIRKS.get(o.cpu or BOCHS_CPU, '')]
            # Its seconds are 50 million instructions: a scan of kmemleak has
            # more than a minute of them.
            if o.kernel.endswith('-debug'):
                line.append('sysctl.kernel.hung_task_timeout_secs=600')
        elif o.bed == 'qemu':
            # Between busy host threads TCG's clocks are not to be compared. An
            # NMI asks a kernel that hangs where it does.
            line += ['tsc=reliable', 'no_timer_check', 'unknown_nmi_panic', 'panic_print=0x40']
        return ' '.join([x for x in line if x] + o.append)

    def disks(self):
        paths = []
        for i, d in enumerate(self.o.disk):
            m = re.fullmatch(r'(\d+)([KMGT]?)', d)
            if m:
                size = int(m.group(1)) << dict(zip(' KMGT', range(0, 50, 10))).get(
                    m.group(2) or ' ', 0)
                path = os.path.join(self.tmp, f'disk{i}')
                with open(path, 'wb') as f:
                    # Bochs counts in cylinders of 16 heads and 63 sectors.
                    unit = 16 * 63 * 512 if self.o.bed == 'bochs' else 512
                    f.truncate((size + unit - 1) // unit * unit)
            elif os.path.exists(d):
                path = os.path.abspath(d)
            else:
                raise Cannot(f'--disk {d}: neither a size nor a file')
            paths.append(path)
        return paths

    def start_qemu(self, bzimage, initrd):
        o = self.o
        argv = ['qemu-system-x86_64', '-nodefaults', '-no-user-config', '-display', 'none',
                '-no-reboot', '-m', str(o.mem), '-smp', str(o.smp),
                '-kernel', bzimage, '-initrd', initrd, '-append', self.cmdline()]
        if o.bed == 'kvm':
            argv += ['-machine', 'pc,accel=kvm', '-cpu', o.cpu or 'host']
        elif o.icount:
            argv += ['-machine', 'pc', '-accel', 'tcg,thread=single', '-icount', 'shift=0',
                     '-cpu', o.cpu or 'max']
        else:
            argv += ['-machine', 'pc', '-accel', 'tcg,thread=multi', '-cpu', o.cpu or 'max']
        for path in self.disks():
            argv += ['-drive', f'file={path.replace(",", ",,")},if=virtio,format=raw,'
                     'cache=unsafe']
        if o.host_root:
            argv += ['-fsdev', 'local,id=root,path=/,security_model=none,readonly=on,'
                     'multidevs=remap', '-device', 'virtio-9p-pci,fsdev=root,'
                     'mount_tag=hostroot']
        listeners = [self.listen(f'com{i}') for i in (1, 2, 3)]
        for i in (1, 2, 3):
            argv += ['-chardev', f'socket,id=com{i},path={self.tmp}/com{i}',
                     '-serial', f'chardev:com{i}']
        argv += ['-monitor', f'unix:{self.tmp}/monitor,server=on,wait=off']
        self.spawn(argv)
        for s, handler in zip(listeners, (self.on_log, self.on_output,
                                          self.status_lines.feed)):
            s.settimeout(0.2)
            for _ in range(100):
                try:
                    self.attach(s.accept()[0].detach(), handler)
                    break
                except socket.timeout:
                    if self.process.poll() is not None:
                        raise Cannot(self.emulator_said('QEMU')) from None
            else:
                raise Cannot('QEMU does not start')
            s.close()
        self.command_fd = list(self.ports)[1]

    def start_bochs(self, bzimage, initrd):
        o = self.o
        iso = os.path.join(self.tmp, 'iso')
        os.makedirs(os.path.join(iso, 'isolinux'))
        for src in ('/usr/lib/ISOLINUX/isolinux.bin',
                    '/usr/lib/syslinux/modules/bios/ldlinux.c32'):
            if not os.path.exists(src):
                raise Cannot(f'{src} is missing: run scripts/deps')
            shutil.copy(src, os.path.join(iso, 'isolinux'))
        shutil.copy(bzimage, os.path.join(iso, 'kernel'))
        os.rename(initrd, os.path.join(iso, 'initrd'))
        with open(os.path.join(iso, 'isolinux/isolinux.cfg'), 'w') as f:
            f.write('default linux\nprompt 0\ntimeout 0\nlabel linux\n'
                    f' kernel /kernel\n initrd /initrd\n append {self.cmdline()}\n')
        image = os.path.join(self.tmp, 'cd.iso')
        r = subprocess.run(['xorriso', '-as', 'mkisofs', '-quiet', '-o', image,
                            '-b', 'isolinux/isolinux.bin', '-c', 'isolinux/boot.cat',
                            '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table',
                            '-R', iso], capture_output=True, text=True)
        if r.returncode:
            raise Cannot(f'xorriso: {r.stderr.strip()}')
        shutil.rmtree(iso)

        # Bochs offers a pty line only by the name of the slave.
        ptys = []
        for handler in (self.on_log, self.on_output, self.status_lines.feed):
            master, slave = os.openpty()
            tty.setraw(slave)
            self.attach(master, handler)
            ptys.append((slave, os.ttyname(slave)))
        self.command_fd = list(self.ports)[1]
        screen, screen_slave = os.openpty()
        fcntl.ioctl(screen_slave, termios.TIOCSWINSZ, struct.pack('HHHH', 50, 132, 0, 0))
        self.attach(screen, lambda data: None)

        channels = ['ata0-slave', 'ata1-master', 'ata1-slave']
        disks = ''.join(f'{c}: type=disk, mode=flat, path="{p}"\n'
                        for c, p in zip(channels, self.disks()))
        rc = os.path.join(self.tmp, 'bochsrc')
        with open(rc, 'w') as f:
            f.write(f'''config_interface: textconfig
display_library: term
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
memory: guest={o.mem}, host={o.mem}
cpu: model={o.cpu or BOCHS_CPU}, count={o.smp}, ips=50000000, reset_on_triple_fault=0
clock: sync=none
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15
ata0-master: type=cdrom, path="{image}", status=inserted
{disks}boot: cdrom
com1: enabled=1, mode=term, dev={ptys[0][1]}
com2: enabled=1, mode=term, dev={ptys[1][1]}
com3: enabled=1, mode=term, dev={ptys[2][1]}
log: {self.tmp}/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
''')
        debugger = os.path.join(self.tmp, 'debugger')
        with open(debugger, 'w') as f:
            f.write('c\n')
        env = dict(os.environ, TERM='vt100', GUEST='guest')
        env.pop('BXSHARE', None)
        # The term display takes standard input and output for its screen.
        self.spawn(['bochs-bin', '-q', '-f', rc, '-rc', debugger],
                   stdin=screen_slave, stdout=screen_slave, env=env, cwd=self.tmp)
        os.close(screen_slave)
        self.slaves = [slave for slave, _ in ptys]

    def emulator_said(self, name):
        text = ''
        for log in ('emulator.log', 'bochs.log'):
            try:
                with open(os.path.join(self.tmp, log), errors='replace') as f:
                    text = text or f.read().strip()
            except FileNotFoundError:
                pass
        return f'{name}: ' + (text.splitlines()[-1] if text else 'ended without a word')

    def attach(self, fd, handler):
        os.set_blocking(fd, False)
        self.ports[fd] = handler

    # Running.

    def run(self, bzimage, initrd):
        """Boot and see it through; the exit status."""
        self.log_lines = Line(self.on_log_line)
        self.status_lines = Line(self.on_status)
        self.log = open(self.o.keep_log, 'wb') if self.o.keep_log else \
            open(os.dup(2), 'wb')
        self.deadline = time.monotonic() + self.o.timeout
        signal.signal(signal.SIGUSR1, self.hurry)
        try:
            if self.o.bed == 'bochs':
                self.start_bochs(bzimage, initrd)
            else:
                self.start_qemu(bzimage, initrd)
            return self.verdict(self.watch())
        finally:
            self.stop()

    def hurry(self, *_):
        """SIGUSR1: whoever waits for this run waits no more."""
        self.deadline = 0

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        if self.log:
            self.log.close()

    def read_ports(self, timeout):
        fds = list(self.ports)
        if self.want_stdin():
            fds.append(0)
        writing = [self.command_fd] if self.to_guest else []
        ready, writable, _ = select.select(fds, writing, [], timeout)
        got = False
        for fd in ready:
            if fd == 0:
                self.read_stdin()
                continue
            try:
                data = os.read(fd, 65536)
            except BlockingIOError:
                continue
            except OSError:
                data = b''
            if data:
                got = True
                self.last_word = time.monotonic()
                self.ports[fd](data)
            else:
                del self.ports[fd]
                os.close(fd)
        if writable and self.command_fd in self.ports:
            try:
                n = os.write(self.command_fd, self.to_guest[:256])
                self.to_guest = self.to_guest[n:]
            except BlockingIOError:
                pass
            except OSError:
                self.to_guest = b''
        return got

    def want_stdin(self):
        return (self.stdin_open and self.stdin_ready and not self.to_guest
                and not self.frame_out)

    def read_stdin(self):
        try:
            data = os.read(0, 1024)
        except OSError:
            data = b''
        if not data:
            self.stdin_open = False
        if self.o.tty:
            if b'\x1d' in data:
                raise KeyboardInterrupt
            self.to_guest = data
        else:
            self.to_guest = struct.pack('<H', len(data)) + data
            self.frame_out = True

    def watch(self):
        """Move bytes until the machine is off; what ended it, or None."""
        self.stdin_open = not getattr(self.o, 'quiet_stdin', False)
        finished = 0
        while True:
            now = time.monotonic()
            if now > self.deadline:
                self.interrogate()
                return 'timeout'
            # A kernel that said what is wrong, and nothing since.
            if self.splats and now - self.last_word > SILENCE:
                self.interrogate()
                return None
            self.read_ports(0.1)
            now = time.monotonic()
            if self.process.poll() is not None:
                while self.read_ports(0):
                    pass
                return None
            # After a panic, interrupts still drain what the command wrote.
            if self.panicked and now - max(self.panicked, self.last_output) > 0.7:
                return None
            if self.status is not None or self.failure is not None:
                finished = finished or now
                if now - finished > 20:
                    return 'stuck'

    def interrogate(self):
        """Where does a machine hang that says nothing? Its log gets the answer."""
        self.asked = True
        path = os.path.join(self.tmp, 'monitor')
        if not os.path.exists(path) or self.process.poll() is not None:
            return
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(2)
                s.connect(path)
                s.sendall(b'info status\ninfo registers -a\nnmi\n')
                said = b''
                try:
                    while data := s.recv(65536):
                        said += data
                except socket.timeout:
                    pass
        except OSError as e:
            said = f'the emulator does not answer: {e}\n'.encode()
        self.log.write(b'\n' + said.replace(b'\r', b'') + b'\n')
        end = time.monotonic() + 8
        while time.monotonic() < end and not self.panicked:
            self.read_ports(0.1)

    def verdict(self, ended):
        if self.splats:
            say(f'the kernel splatted: {self.splats[0]}')
            return SPLAT
        if self.failure is not None:
            raise Cannot(self.failure)
        if ended == 'timeout':
            say(f'no end after {self.o.timeout:g} s')
            return TIMED_OUT
        if not self.started:
            name = 'Bochs' if self.o.bed == 'bochs' else 'QEMU'
            raise Cannot('the kernel did not reach init; ' + self.emulator_said(name))
        if self.status is None:
            if self.process.returncode not in (0, 1, None):
                raise Cannot(self.emulator_said('the emulator died'))
            say('the machine went down before the command had ended')
            return SPLAT
        if ended == 'stuck':
            say('the machine does not power off')
            return SPLAT
        return self.status
