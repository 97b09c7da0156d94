# SPDX-License-Identifier: GPL-2.0
"""Making an initramfs: the archive, the kernel's modules, busybox."""

import lzma
import os
import re
import shutil
import stat
import subprocess

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
# The suite's modules in the order in which they are loaded.
SUITE = ('kvmlite', 'vswitch', 'vblk', 'vgpu_mdev')


class Cannot(Exception):
    """What was asked cannot be done: exit status 125."""


def kernel(flavour):
    """Folder and release of a kernel, fetched or built if need be."""
    r = subprocess.run([os.path.join(HERE, 'kernel'), flavour], stdout=subprocess.PIPE,
                       text=True)
    if r.returncode:
        raise Cannot(f'no kernel {flavour}')
    folder = r.stdout.strip()
    with open(os.path.join(folder, 'release')) as f:
        return folder, f.read().strip()


class Cpio:
    """A newc archive, written in memory: a few megabytes, in order of adding."""

    def __init__(self):
        self.parts = []
        self.size = 0
        self.seen = set()
        self.inode = 0
        self.copies = {}        # (device, inode) of the host -> path

    # Where Debian has links, the guest has them too.
    MERGED = ('bin', 'sbin', 'lib', 'lib64')

    def put(self, part):
        self.parts.append(part)
        self.size += len(part)

    def entry(self, name, mode, data=b'', rdev=(0, 0)):
        self.inode += 1
        raw = name.encode() + b'\0'
        self.put(b'070701' + b''.join(b'%08x' % v for v in (
            self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(raw), 0)))
        self.put(raw)
        self.pad()
        if data:
            self.put(data)
            self.pad()

    def pad(self):
        if self.size % 4:
            self.put(b'\0' * (4 - self.size % 4))

    def place(self, path):
        """The path below the root, through the links, with its folders made."""
        path = os.path.normpath('/' + path).lstrip('/')
        first, _, rest = path.partition('/')
        if first in self.MERGED:
            path = 'usr/' + path
        folder = os.path.dirname(path)
        if folder and folder not in self.seen:
            self.dir(folder)
        return path

    def dir(self, path):
        path = self.place(path)
        if path and path not in self.seen:
            self.seen.add(path)
            self.entry(path, stat.S_IFDIR | 0o755)

    def link(self, path, target):
        path = self.place(path)
        if path not in self.seen:
            self.seen.add(path)
            self.entry(path, stat.S_IFLNK | 0o777, target.encode())

    def node(self, path, mode, major, minor):
        path = self.place(path)
        self.seen.add(path)
        self.entry(path, mode, rdev=(major, minor))

    def file(self, path, data, mode=0o644):
        path = self.place(path)
        if path not in self.seen:
            self.seen.add(path)
            self.entry(path, stat.S_IFREG | mode, data)

    def host_file(self, src, dest):
        """A file, link or folder of the host."""
        st = os.lstat(src) if os.path.islink(src) else os.stat(src)
        if stat.S_ISDIR(st.st_mode):
            self.dir(dest)
            for name in sorted(os.listdir(src)):
                self.host_file(os.path.join(src, name), os.path.join(dest, name))
        elif stat.S_ISLNK(st.st_mode):
            self.link(dest, os.readlink(src))
        elif stat.S_ISREG(st.st_mode):
            first = self.copies.setdefault((st.st_dev, st.st_ino), dest)
            if first != dest:
                self.link(dest, first)
                return
            with open(src, 'rb') as f:
                data = f.read()
            self.file(dest, data, stat.S_IMODE(st.st_mode))
            if data[:4] == b'\x7fELF' and st.st_mode & 0o111:
                for lib in libraries(src):
                    real = os.path.realpath(lib)
                    with open(real, 'rb') as f:
                        self.file(lib, f.read(), 0o755)
        else:
            raise Cannot(f'--file {src}: neither a file nor a folder')

    def write(self, path):
        self.entry('TRAILER!!!', 0)
        with open(path, 'wb') as f:
            for part in self.parts:
                f.write(part)
            f.write(b'\0' * (-self.size % 512))


def libraries(path):
    """What the dynamic loader would map, the loader itself included."""
    r = subprocess.run(['ldd', path], capture_output=True, text=True)
    if r.returncode:
        return []
    missing = re.findall(r'^\s*(\S+) => not found', r.stdout, re.M)
    if missing:
        raise Cannot(f'--file {path}: its library {missing[0]} is not on this machine')
    return re.findall(r'(?:=> |^\s*)(/\S+) \(0x', r.stdout, re.M)


def read_module(path):
    """The bytes of a module, unpacked if the distribution packs them."""
    with open(path, 'rb') as f:
        data = f.read()
    if path.endswith('.xz'):
        return lzma.decompress(data)
    if path.endswith('.zst'):
        return subprocess.run(['zstd', '-dc'], input=data, check=True,
                              capture_output=True).stdout
    return data


class Modules:
    """The modules that go along, their order, the modprobe database."""

    def __init__(self, flavour, kernel_dir, release):
        self.flavour = flavour
        self.release = release
        self.root = os.path.join(kernel_dir, 'root/lib/modules', release)
        self.dep = {}       # name -> (path below root, paths it needs)
        self.builtin = set()
        self.ours = {}      # name -> host path
        self.order = []     # (name, ours)
        self.carried = []   # names, in order of need
        self.read_database()
        self.find_ours()

    @staticmethod
    def name(path):
        return os.path.basename(path).split('.')[0].replace('-', '_')

    def read_database(self):
        with open(os.path.join(self.root, 'modules.dep')) as f:
            for line in f:
                path, _, deps = line.strip().partition(':')
                self.dep[self.name(path)] = (path, deps.split())
        builtin = os.path.join(self.root, 'modules.builtin')
        if os.path.exists(builtin):
            with open(builtin) as f:
                self.builtin = {self.name(line.strip()) for line in f}

    def find_ours(self):
        build = os.path.join(TOP, 'build', self.flavour)
        for part in SUITE:
            for folder, _, names in sorted(os.walk(os.path.join(build, part))):
                for n in sorted(names):
                    if n.endswith('.ko'):
                        self.ours[self.name(n)] = os.path.join(folder, n)

    def adopt(self, name):
        """A module named by its file counts as ours."""
        if not name.endswith('.ko'):
            return name
        if not os.path.exists(name):
            raise Cannot(f'--load {name}: no such file')
        self.ours[self.name(name)] = os.path.abspath(name)
        return self.name(name)

    def needs(self, name):
        """Names that must be there before this one, nearest first."""
        if name in self.ours:
            out = subprocess.run(['/sbin/modinfo', '-F', 'depends', self.ours[name]],
                                 capture_output=True, text=True, check=True).stdout
            return [self.name(n) for n in out.strip().split(',') if n]
        return [self.name(p) for p in self.dep[name][1]]

    def carry(self, name, optional=False):
        """Take a module and what it needs along, in an order that loads."""
        name = self.name(name)
        if name in self.carried or name in self.builtin:
            return name
        if name not in self.ours and name not in self.dep:
            if optional:
                return None
            raise Cannot(f'no module {name}: neither built for {self.flavour} '
                         f'(make modules KERNEL={self.flavour}) nor in that kernel')
        for n in reversed(self.needs(name)):
            self.carry(n)
        if name not in self.carried:
            self.carried.append(name)
        return name

    def load(self, name, wanted=True):
        """Have a module loaded by init, after what it needs."""
        name = self.carry(name)
        if name in self.builtin:
            return
        todo = []

        def visit(n):
            if n in self.builtin or n in todo:
                return
            for d in reversed(self.needs(n)):
                visit(d)
            todo.append(n)
        visit(name)
        for n in todo:
            if n not in [x for x, _ in self.order]:
                self.order.append((n, n in self.ours))

    def guest_path(self, name):
        folder = f'/lib/modules/{self.release}'
        if name in self.ours:
            return f'{folder}/extra/{name}.ko'
        path = re.sub(r'\.(xz|zst)$', '', self.dep[name][0])
        return f'{folder}/{path}'

    def add_to(self, cpio):
        deps = []
        for name in self.carried:
            src = self.ours.get(name) or os.path.join(self.root, self.dep[name][0])
            cpio.file(self.guest_path(name), read_module(src))
            strip = len(f'/lib/modules/{self.release}/')
            needs = []
            pending = list(self.needs(name))
            while pending:
                n = pending.pop(0)
                if n not in needs and n not in self.builtin:
                    needs.append(n)
                    pending += self.needs(n)
            deps.append(self.guest_path(name)[strip:] + ':' + ''.join(
                ' ' + self.guest_path(n)[strip:] for n in needs) + '\n')
        cpio.file(f'/lib/modules/{self.release}/modules.dep', ''.join(deps).encode())
        for n in ('modules.builtin', 'modules.order'):
            src = os.path.join(self.root, n)
            if os.path.exists(src):
                with open(src, 'rb') as f:
                    cpio.file(f'/lib/modules/{self.release}/{n}', f.read())


def base_system():
    """An archive with busybox and the folders that every system has."""
    cpio = Cpio()
    cpio.entry('usr', stat.S_IFDIR | 0o755)
    cpio.seen.add('usr')
    for d in Cpio.MERGED:
        cpio.seen.add(d)
        cpio.dir('/usr/' + d)
        cpio.entry(d, stat.S_IFLNK | 0o777, b'usr/' + d.encode())
    for d in ('/dev', '/proc', '/sys', '/tmp', '/run', '/root', '/etc', '/var', '/mnt'):
        cpio.dir(d)
    cpio.node('/dev/console', stat.S_IFCHR | 0o600, 5, 1)
    cpio.node('/dev/null', stat.S_IFCHR | 0o666, 1, 3)
    cpio.file('/etc/passwd', b'root:x:0:0:root:/root:/bin/sh\n')
    cpio.file('/etc/group', b'root:x:0:\n')
    return cpio


def add_busybox(cpio):
    busybox = shutil.which('busybox')
    if not busybox:
        raise Cannot('busybox is missing: run scripts/deps')
    cpio.host_file(busybox, '/bin/busybox')
    applets = subprocess.run([busybox, '--list'], capture_output=True, text=True).stdout
    for applet in applets.split():
        cpio.link('/bin/' + applet, '/bin/busybox')
