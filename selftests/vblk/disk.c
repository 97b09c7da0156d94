// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

#include "disk.h"

/* What the suites' runner looks for before it starts. */
__attribute__((constructor)) static void choose_device(void)
{
	const char *kernel = getenv("VIRTLITE_KERNEL");

	device = VBLK_CONTROL_PATH;
	/* A debug kernel in an emulator takes ten times as long for the same. */
	if (kernel && strstr(kernel, "debug"))
		setenv("KVMLITE_QUICK", "1", 0);
}

int control(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = OK(open(device, O_RDWR | O_CLOEXEC));
	return fd;
}

/* No disks: what a test that failed has left is none of the next one's. */
void fresh(void)
{
	struct vblk_query q = { .size = sizeof(q), .flags = VBLK_QUERY_NEXT };

	umount2("/mnt-vblk", MNT_DETACH);
	umount2("/mnt-vblk2", MNT_DETACH);
	while (!ioctl(control(), VBLK_QUERY, &q)) {
		try_detach(q.id, VBLK_DETACH_FORCE);
		q = (struct vblk_query){ .size = sizeof(q), .flags = VBLK_QUERY_NEXT };
	}
}

struct vblk_attach attach_args(uint32_t backing, int fd)
{
	return (struct vblk_attach) {
		.size = sizeof(struct vblk_attach),
		.backing = backing,
		.format = VBLK_FORMAT_RAW,
		.fd = fd,
		.id = -1,
	};
}

int try_attach(struct vblk_attach *a)
{
	return ioctl(control(), VBLK_ATTACH, a);
}

int attach_ram(uint64_t bytes)
{
	struct vblk_attach a = attach_args(VBLK_BACKING_RAM, -1);

	a.length = bytes;
	OK(try_attach(&a));
	return a.id;
}

int attach_fd(uint32_t backing, int fd, uint32_t flags)
{
	struct vblk_attach a = attach_args(backing, fd);
	char msg[160] = "";

	a.flags = flags;
	a.msg_ptr = (uintptr_t)msg;
	a.msg_len = sizeof(msg);
	if (try_attach(&a)) {
		diag("attach: %s", msg);
		OK(-1);
	}
	return a.id;
}

int try_detach(int id, uint32_t flags)
{
	struct vblk_detach d = { .size = sizeof(d), .id = id, .flags = flags };

	return ioctl(control(), VBLK_DETACH, &d);
}

void detach(int id)
{
	char path[32];

	OK(try_detach(id, 0));
	node(id, path);
	FAILS(access(path, F_OK), ENOENT);
}

int try_resize(int id, uint64_t bytes, uint32_t flags)
{
	struct vblk_resize r = {
		.size = sizeof(r), .id = id, .length = bytes, .flags = flags,
	};

	return ioctl(control(), VBLK_RESIZE, &r);
}

struct vblk_query query(int id)
{
	struct vblk_query q = { .size = sizeof(q), .id = id };

	OK(ioctl(control(), VBLK_QUERY, &q));
	return q;
}

struct vblk_stats stats(int id)
{
	struct vblk_stats s = { .size = sizeof(s), .id = id };

	OK(ioctl(control(), VBLK_STATS, &s));
	return s;
}

int set_fault(int id, uint32_t kind, uint32_t ops, struct vblk_fault more)
{
	more.size = sizeof(more);
	more.id = id;
	more.kind = kind;
	more.ops = ops;
	return ioctl(control(), VBLK_FAULT, &more);
}

uint64_t clear_fault(int id)
{
	struct vblk_fault f = { .size = sizeof(f), .id = id, .kind = VBLK_FAULT_NONE };

	OK(ioctl(control(), VBLK_FAULT, &f));
	return f.hits;
}

int listen_to(int id)
{
	struct vblk_events e = { .size = sizeof(e), .id = id, .fd = -1 };

	OK(ioctl(control(), VBLK_EVENTS, &e));
	OK(fcntl(e.fd, F_SETFL, O_NONBLOCK));
	return e.fd;
}

/* The next event of a type, if it comes in time; others are passed over. */
bool next_event(int fd, uint32_t type, unsigned int ms, struct vblk_event *e)
{
	uint64_t end = now_ns() + ms * 1000000ULL;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (now_ns() < end) {
		if (poll(&p, 1, 10) > 0 && read(fd, e, sizeof(*e)) == sizeof(*e) &&
		    e->type == type)
			return true;
	}
	return false;
}

void node(int id, char path[32])
{
	snprintf(path, 32, "/dev/vblk%d", id);
}

int disk_open(int id, int flags)
{
	char path[32];

	node(id, path);
	return OK(open(path, flags));
}

uint64_t disk_bytes(int fd)
{
	uint64_t bytes = 0;

	OK(ioctl(fd, BLKGETSIZE64, &bytes));
	return bytes;
}

int memfd(uint64_t bytes)
{
	int fd = OK(memfd_create("vblk", MFD_CLOEXEC));

	OK(ftruncate(fd, bytes));
	return fd;
}

void *io_buffer(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	REQUIRE(p != MAP_FAILED, "no memory");
	return p;
}

/* Every eight bytes tell where they belong and which write they are from. */
static uint64_t word(uint64_t pos, unsigned int generation)
{
	uint64_t x = pos * 0x9e3779b97f4a7c15ULL + generation * 0xd1342543de82ef95ULL;

	return x ^ x >> 29;
}

void fill(void *buf, size_t bytes, uint64_t pos, unsigned int generation)
{
	uint64_t *p = buf;
	size_t i;

	for (i = 0; i < bytes / 8; i++)
		p[i] = word(pos + i * 8, generation);
}

bool same(const void *buf, size_t bytes, uint64_t pos, unsigned int generation)
{
	const uint64_t *p = buf;
	size_t i;

	for (i = 0; i < bytes / 8; i++) {
		if (p[i] != word(pos + i * 8, generation))
			return false;
	}
	return true;
}

bool zeroes(const void *buf, size_t bytes)
{
	const uint64_t *p = buf;
	size_t i;

	for (i = 0; i < bytes / 8; i++) {
		if (p[i])
			return false;
	}
	return true;
}

void put(int fd, uint64_t pos, size_t bytes, unsigned int generation)
{
	void *buf = io_buffer(bytes);

	fill(buf, bytes, pos, generation);
	EQ(OK(pwrite(fd, buf, bytes, pos)), bytes);
	munmap(buf, bytes);
}

void expect(const char *file, int line, int fd, uint64_t pos, size_t bytes,
	    unsigned int generation)
{
	void *buf = io_buffer(bytes);
	ssize_t n = pread(fd, buf, bytes, pos);
	bool ok = false;

	if (n == (ssize_t)bytes)
		ok = generation ? same(buf, bytes, pos, generation) : zeroes(buf, bytes);
	if (n < 0)
		test_fail(file, line, "read at %llu: %s", (unsigned long long)pos,
			  strerror(errno));
	else if (!ok)
		test_fail(file, line, "%zd bytes at %llu are not of generation %u", n,
			  (unsigned long long)pos, generation);
	munmap(buf, bytes);
}

int run_program(const char *path, char *const argv[])
{
	int status, null;
	pid_t pid = OK(fork());

	if (!pid) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execv(path, argv);
		_exit(127);
	}
	OK(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* An ext4 on a disk, mounted; mke2fs comes with the tests. */
void ext4_on(int id, const char *dir)
{
	char path[32];
	char * const argv[] = {
		"mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-O", "^has_journal",
		"-E", "nodiscard", path, NULL,
	};
	int ret;

	node(id, path);
	if (access("./mke2fs", X_OK))
		test_skip("no mke2fs beside the tests");
	EQ(run_program("./mke2fs", argv), 0);
	mkdir(dir, 0700);
	ret = mount(path, dir, "ext4", 0, NULL);
	/* ENOENT: ext4 is there, but not what it takes checksums with. */
	if (ret && (errno == ENODEV || errno == ENOENT))
		test_skip("the kernel has no ext4, or a module for it is not loaded");
	OK(ret);
}

void leave_dir(const char *dir)
{
	OK(umount(dir));
	rmdir(dir);
}

int file_on(const char *dir, const char *name, uint64_t bytes)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = OK(open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	OK(ftruncate(fd, bytes));
	return fd;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}
