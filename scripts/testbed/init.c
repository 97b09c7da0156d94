// SPDX-License-Identifier: GPL-2.0
/*
 * The first process on a test kernel: loads modules, runs the command of
 * scripts/testbed/run, says how it ended, powers off.
 *
 * ttyS0 carries the kernel log, ttyS1 the command's bytes, ttyS2 the report
 * to the host: lines of a word and an argument. The host believes in nothing
 * but "exit N", which is written last, after everything that could still
 * splat (unloading modules, the kmemleak scan) has happened.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define CONFIG_FILE	"/testbed/config"
#define LEAK_FILE	"/sys/kernel/debug/kmemleak"
#define NEW_ROOT	"/newroot"
#define MAX_ITEMS	1024

/* kmemleak says nothing about objects younger than five seconds. */
#define LEAK_AGE_MS	5300

struct module {
	char *path;
	char *params;
	/* One of the suite's own: it must go away again. */
	bool ours;
	/* The bed's disks or root hang on it: it stays. */
	bool stays;
};

struct symbol {
	uint64_t address;
	char *name;
};

static struct module modules[MAX_ITEMS];
static int nr_modules;
static char *args[MAX_ITEMS + 1], *env[MAX_ITEMS + 1], *copies[MAX_ITEMS];
static int nr_args, nr_env, nr_copies;
static struct symbol *symbols;
static int nr_symbols;
static bool want_tty, want_host_root;
static struct winsize window;
static const char *workdir = "/";
static int status_fd = -1;
static int kmsg_fd = -1;

static void __attribute__((format(printf, 1, 2))) report(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (len > (int)sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	if (status_fd >= 0) {
		if (write(status_fd, line, len) < 0)
			return;
		tcdrain(status_fd);
	}
}

static void __attribute__((format(printf, 1, 2))) klog(const char *fmt, ...)
{
	char line[900];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (len >= (int)sizeof(line))
		len = sizeof(line) - 1;
	if (kmsg_fd >= 0 && write(kmsg_fd, line, len) < 0)
		return;
}

static void __attribute__((noreturn)) power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void __attribute__((noreturn, format(printf, 1, 2)))
give_up(const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report("fail %s", text);
	power_off();
}

static void *must(void *p)
{
	if (!p)
		give_up("out of memory in the testbed's init");
	return p;
}

/* "key value" lines; "arg" and "env" values are hex, to carry any byte. */
static char *unhex(const char *hex)
{
	size_t len = strlen(hex) / 2, i;
	char *s = must(malloc(len + 1));
	unsigned int byte;

	for (i = 0; i < len; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			give_up("bad hex in %s", CONFIG_FILE);
		s[i] = byte;
	}
	s[len] = 0;
	return s;
}

static void config_line(const char *key, char *value)
{
	struct module *m;
	char *params;

	if (nr_args == MAX_ITEMS || nr_env == MAX_ITEMS ||
	    nr_modules == MAX_ITEMS || nr_copies == MAX_ITEMS)
		give_up("too many items in %s", CONFIG_FILE);

	if (!strcmp(key, "arg")) {
		args[nr_args++] = unhex(value);
	} else if (!strcmp(key, "env")) {
		env[nr_env++] = unhex(value);
	} else if (!strcmp(key, "copy")) {
		copies[nr_copies++] = unhex(value);
	} else if (!strcmp(key, "cwd")) {
		workdir = unhex(value);
	} else if (!strcmp(key, "tty")) {
		want_tty = true;
		if (sscanf(value, "%hu %hu", &window.ws_row, &window.ws_col) != 2)
			window = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	} else if (!strcmp(key, "hostroot")) {
		want_host_root = true;
	} else if (!strcmp(key, "load") || !strcmp(key, "insmod") ||
		   !strcmp(key, "bed")) {
		m = &modules[nr_modules++];
		m->ours = key[0] == 'l';
		m->stays = key[0] == 'b';
		params = strchr(value, ' ');
		if (params)
			*params++ = 0;
		m->path = must(strdup(value));
		m->params = must(strdup(params ?: ""));
	} else {
		give_up("unknown key %s in %s", key, CONFIG_FILE);
	}
}

static void read_config(void)
{
	FILE *f = fopen(CONFIG_FILE, "r");
	char *line = NULL, *value;
	size_t size = 0;
	ssize_t len;

	if (!f)
		give_up("no %s", CONFIG_FILE);
	while ((len = getline(&line, &size, f)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = 0;
		value = strchr(line, ' ');
		if (value)
			*value++ = 0;
		config_line(line, value ?: "");
	}
	free(line);
	fclose(f);
}

static void make_dir(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		give_up("mkdir %s: %m", path);
}

/* A file system that this kernel lacks is no error: the command will see. */
static void mount_at(const char *type, const char *dir, const char *options)
{
	make_dir(dir);
	if (mount(type, dir, type, 0, options) && errno != ENODEV &&
	    errno != ENOENT && errno != EBUSY)
		klog("testbed: mount %s: %m", dir);
}

static void try_mount(const char *type, const char *dir)
{
	struct stat st;

	if (!stat(dir, &st))
		mount(type, dir, type, 0, NULL);
}

static void mount_all(void)
{
	mount_at("proc", "/proc", NULL);
	mount_at("sysfs", "/sys", NULL);
	mount_at("devtmpfs", "/dev", "mode=755");
	mount_at("devpts", "/dev/pts", "ptmxmode=666,mode=620");
	mount_at("tmpfs", "/dev/shm", "mode=1777");
	mount_at("tmpfs", "/tmp", "mode=1777");
	mount_at("tmpfs", "/run", "mode=755");
	try_mount("debugfs", "/sys/kernel/debug");
	try_mount("tracefs", "/sys/kernel/tracing");
	try_mount("configfs", "/sys/kernel/config");
	try_mount("cgroup2", "/sys/fs/cgroup");
	if (symlink("/proc/self/fd", "/dev/fd") ||
	    symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") ||
	    symlink("/proc/self/fd/2", "/dev/stderr"))
		klog("testbed: symlink in /dev: %m");
}

static int open_serial(const char *path, bool cooked)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios t;

	if (fd < 0)
		return fd;
	if (tcgetattr(fd, &t))
		return -1;
	if (!cooked)
		cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cflag &= ~CRTSCTS;
	cfsetspeed(&t, B115200);
	if (tcsetattr(fd, TCSANOW, &t))
		return -1;
	return fd;
}

static const char *module_name(const struct module *m)
{
	static char name[256];
	const char *base = strrchr(m->path, '/');
	char *p;

	snprintf(name, sizeof(name), "%s", base ? base + 1 : m->path);
	for (p = name; *p && *p != '.'; p++)
		if (*p == '-')
			*p = '_';
	*p = 0;
	return name;
}

static void load_modules(void)
{
	int i, fd;

	for (i = 0; i < nr_modules; i++) {
		struct module *m = &modules[i];

		fd = open(m->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			give_up("module %s: %m", m->path);
		if (syscall(SYS_finit_module, fd, m->params, 0) && errno != EEXIST)
			give_up("cannot load module %s: %m", module_name(m));
		close(fd);
	}
}

/*
 * After every process has ended nothing can hold a module of ours: one that
 * still cannot go has lost a reference.
 */
static bool unload_modules(void)
{
	bool ok = true;
	int i, err, tries;

	for (i = nr_modules - 1; i >= 0; i--) {
		if (modules[i].stays)
			continue;
		for (tries = 0; tries < 20; tries++) {
			err = syscall(SYS_delete_module, module_name(&modules[i]),
				      O_NONBLOCK) ? errno : 0;
			if (err != EAGAIN && err != EBUSY && err != EWOULDBLOCK)
				break;
			if (!modules[i].ours)
				break;
			usleep(50000);
		}
		if (err && err != ENOENT && modules[i].ours) {
			report("busy %s (%s)", module_name(&modules[i]),
			       strerror(err));
			ok = false;
		}
	}
	return ok;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* Names of the modules' functions, for traces reported after they are gone. */
static void read_symbols(void)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	unsigned long long address;
	char line[512], name[256], module[64], type;

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %c %255s [%63[^]]", &address, &type, name,
			   module) != 4)
			continue;
		if (!(nr_symbols % 1024))
			symbols = must(realloc(symbols, (nr_symbols + 1024) *
					       sizeof(*symbols)));
		symbols[nr_symbols].address = address;
		if (asprintf(&symbols[nr_symbols].name, "%s [%s]", name, module) < 0)
			give_up("out of memory in the testbed's init");
		nr_symbols++;
	}
	fclose(f);
	if (nr_symbols)
		qsort(symbols, nr_symbols, sizeof(*symbols), by_address);
}

/* The symbol that an address in a line of a leak report belongs to, or "". */
static const char *symbol_of(const char *line)
{
	const char *hex = strstr(line, "] ");
	int lo = 0, hi = nr_symbols - 1, mid;
	uint64_t address;

	/* "[<…>] 0x…" or, since 6.4, "0x…" alone: names are gone with the module. */
	hex = hex ? hex + 2 : line + strspn(line, " ");
	if (strncmp(hex, "0x", 2) || !nr_symbols)
		return "";
	address = strtoull(hex, NULL, 16);
	if (address < symbols[0].address)
		return "";
	while (lo < hi) {
		mid = (lo + hi + 1) / 2;
		if (symbols[mid].address <= address)
			lo = mid;
		else
			hi = mid - 1;
	}
	return symbols[lo].name;
}

static void leak_command(const char *command)
{
	int fd = open(LEAK_FILE, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, command, strlen(command)) < 0)
		klog("testbed: kmemleak %s: %m", command);
	close(fd);
}

/*
 * kmemleak believes that an object leaked when two scans saw the same bytes
 * in it, no pointer to it, and it was old enough at the second.
 */
static bool leaked(void)
{
	char *line = NULL;
	size_t size = 0;
	bool any = false;
	ssize_t len;
	FILE *f;

	if (access(LEAK_FILE, R_OK))
		return false;
	leak_command("scan");
	usleep(LEAK_AGE_MS * 1000);
	leak_command("scan");
	f = fopen(LEAK_FILE, "r");
	if (!f)
		return false;
	while ((len = getline(&line, &size, f)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = 0;
		klog("kmemleak: %s %s", line, symbol_of(line));
		any = true;
	}
	free(line);
	fclose(f);
	return any;
}

/*
 * The host's root over 9p, read-only, under a tmpfs that takes the writes.
 * The kernel's own file systems move along; /run starts empty.
 */
static void enter_host_root(void)
{
	static const char * const moved[] = { "/proc", "/sys", "/dev" };
	char path[512], *command;
	size_t i;
	int n;

	make_dir("/lower");
	make_dir("/upper");
	make_dir(NEW_ROOT);
	if (mount("hostroot", "/lower", "9p", MS_RDONLY,
		  "trans=virtio,version=9p2000.L,msize=262144,cache=loose"))
		give_up("cannot mount the host's root over 9p: %m");
	if (mount("tmpfs", "/upper", "tmpfs", 0, "mode=755"))
		give_up("cannot mount a tmpfs: %m");
	make_dir("/upper/data");
	make_dir("/upper/work");
	if (mount("overlay", NEW_ROOT, "overlay", 0,
		  "lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work"))
		give_up("cannot mount the overlay: %m");
	for (i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		snprintf(path, sizeof(path), NEW_ROOT "%s", moved[i]);
		if (mount(moved[i], path, NULL, MS_BIND | MS_REC, NULL))
			give_up("cannot bind %s: %m", moved[i]);
	}
	if (mount("tmpfs", NEW_ROOT "/run", "tmpfs", 0, "mode=755"))
		give_up("cannot mount a tmpfs: %m");
	for (n = 0; n < nr_copies; n++) {
		if (asprintf(&command,
			     "/bin/busybox mkdir -p '" NEW_ROOT "%.*s' && "
			     "/bin/busybox cp -a '%s' '" NEW_ROOT "%s'",
			     (int)(strrchr(copies[n], '/') - copies[n]),
			     copies[n], copies[n], copies[n]) < 0)
			give_up("out of memory in the testbed's init");
		if (system(command))
			give_up("cannot copy %s into the host's root", copies[n]);
		free(command);
	}
}

static void __attribute__((noreturn)) run_command(void)
{
	if (want_host_root && chroot(NEW_ROOT))
		give_up("chroot: %m");
	if (chdir(workdir) && chdir("/"))
		give_up("chdir: %m");
	clearenv();
	environ = env;
	signal(SIGPIPE, SIG_DFL);
	execvp(args[0], args);
	dprintf(2, "%s: %m\n", args[0]);
	_exit(errno == ENOENT ? 127 : 126);
}

/*
 * A session leader of its own between us and the command: the terminal is
 * hung up, and what is still in its buffer lost, when the leader goes.
 */
static void __attribute__((noreturn)) run_session(int tty, int in)
{
	int status;
	pid_t pid;

	setsid();
	if (want_tty) {
		ioctl(tty, TIOCSWINSZ, &window);
		if (ioctl(tty, TIOCSCTTY, 0))
			klog("testbed: no controlling terminal: %m");
	}
	signal(SIGHUP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	pid = fork();
	if (pid < 0)
		_exit(126);
	if (!pid) {
		setpgid(0, 0);
		if (want_tty)
			tcsetpgrp(tty, getpid());
		dup2(want_tty ? tty : in, 0);
		dup2(tty, 1);
		dup2(tty, 2);
		signal(SIGHUP, SIG_DFL);
		signal(SIGTTOU, SIG_DFL);
		run_command();
	}
	close(in);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	tcdrain(tty);
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static bool read_all(int fd, void *buf, size_t len)
{
	ssize_t n;

	while (len) {
		n = read(fd, buf, len);
		if (n <= 0)
			return false;
		buf = (char *)buf + n;
		len -= n;
	}
	return true;
}

/*
 * A serial line has no end of file and drops what nobody reads in time, so
 * the host sends standard input in frames (length, bytes; length 0 is the
 * end), the next one when "ack" has told it that the last one was taken.
 * Runs as a process of its own until the end.
 */
static void __attribute__((noreturn)) feed_stdin(int tty, int out)
{
	unsigned char header[2];
	char data[65536];
	size_t len, done;
	ssize_t n;

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		if (!read_all(tty, header, 2))
			_exit(1);
		len = header[0] | header[1] << 8;
		if (!len)
			_exit(0);
		if (!read_all(tty, data, len))
			_exit(1);
		for (done = 0; done < len; done += n) {
			n = write(out, data + done, len - done);
			if (n < 0)
				_exit(0);
		}
		report("ack");
	}
}

static int run_and_wait(int tty)
{
	pid_t command, feeder = -1, pid;
	int status, pipefd[2], code = 126;

	if (pipe2(pipefd, O_CLOEXEC))
		give_up("pipe: %m");
	fflush(NULL);
	command = fork();
	if (!command) {
		close(pipefd[1]);
		run_session(tty, pipefd[0]);
	}
	close(pipefd[0]);
	if (!want_tty) {
		feeder = fork();
		if (!feeder)
			feed_stdin(tty, pipefd[1]);
	}
	close(pipefd[1]);
	if (command < 0 || (!want_tty && feeder < 0))
		give_up("fork: %m");

	while ((pid = wait(&status)) != command) {
		if (pid < 0 && errno == ECHILD)
			break;
	}
	if (pid == command)
		code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
					     WEXITSTATUS(status);
	kill(-1, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return code;
}

int main(void)
{
	bool clean = true;
	int tty, code;

	mount_all();
	kmsg_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	status_fd = open_serial("/dev/ttyS2", false);
	if (status_fd < 0) {
		klog("testbed: no /dev/ttyS2: %m");
		power_off();
	}
	klog("testbed: init is running");
	report("start");

	read_config();
	load_modules();
	if (want_host_root)
		enter_host_root();
	tty = open_serial("/dev/ttyS1", want_tty);
	if (tty < 0)
		give_up("/dev/ttyS1: %m");
	report("ready");

	code = run_and_wait(tty);
	tcdrain(tty);

	if (!access(LEAK_FILE, R_OK))
		read_symbols();
	if (!unload_modules())
		clean = false;
	if (leaked()) {
		report("leak");
		clean = false;
	}
	klog("testbed: done%s", clean ? "" : ", not clean");
	report("exit %d", code);
	power_off();
}
