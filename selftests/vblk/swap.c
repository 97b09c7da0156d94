// SPDX-License-Identifier: GPL-2.0
/*
 * Swap on a disk on a block device: what a process had to give up comes back as it was,
 * and nothing on the way waits for memory that only swapping can free.
 *
 * By default a group of processes has too little memory. VBLK_SWAP in the environment is
 * a block device, with nothing of value on it, for swap that the whole machine needs.
 */
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/wait.h>

#include "disk.h"

#define GROUP "/sys/fs/cgroup/vblk-swap"
#define PAGE 4096

/* What mkswap writes: version 1, and which page is the last. */
static void make_swap(int disk)
{
	uint8_t *page = io_buffer(PAGE);
	uint32_t *info = (uint32_t *)(page + 1024);

	info[0] = 1;
	info[1] = disk_bytes(disk) / PAGE - 1;
	memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
	EQ(OK(pwrite(disk, page, PAGE, 0)), PAGE);
	munmap(page, PAGE);
}

/* So much memory is written, and looked at, several times. */
static void use_memory(uint64_t bytes, unsigned int rounds)
{
	uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int r;
	uint64_t i;

	REQUIRE(p != MAP_FAILED, "mmap: %s", strerror(errno));
	for (r = 1; r <= rounds; r++) {
		for (i = 0; i < bytes; i += PAGE)
			fill(p + i, PAGE, i, r);
		for (i = 0; i < bytes && !test_failures(); i += PAGE)
			CHECK(same(p + i, PAGE, i, r), "page %llu has changed on its way",
			      (unsigned long long)i / PAGE);
	}
	munmap(p, bytes);
}

static bool write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static int in_child(const char *group, uint64_t bytes, unsigned int rounds)
{
	char pid[16];
	pid_t child = OK(fork());

	if (child)
		return child;
	snprintf(pid, sizeof(pid), "%d", getpid());
	REQUIRE(!group || write_to(group, pid), "%s: %s", group, strerror(errno));
	use_memory(bytes, rounds);
	_exit(test_failures() ? 1 : 0);
}

static void wait_for(pid_t child)
{
	int status;

	OK(waitpid(child, &status, 0));
	CHECK(!status, "a process with swapped memory ended with %x", status);
}

/* Swap goes there, by way of @id. */
static void swap_on(int id, char path[32])
{
	int disk = disk_open(id, O_RDWR | O_CLOEXEC);

	make_swap(disk);
	OK(fsync(disk));
	close(disk);
	node(id, path);
	if (swapon(path, 0)) {
		if (errno == ENOSYS)
			test_skip("the kernel does not swap");
		OK(-1);
	}
	/* It has an owner. */
	FAILS(try_detach(id, 0), EBUSY);
}

static void swap_off(int id, const char *path, uint64_t least)
{
	struct vblk_stats s = stats(id);

	OK(swapoff(path));
	CHECK(s.op[VBLK_OP_WRITE].bytes >= least, "only %llu bytes were swapped out",
	      (unsigned long long)s.op[VBLK_OP_WRITE].bytes);
	CHECK(s.op[VBLK_OP_READ].bytes >= least, "only %llu bytes were swapped in",
	      (unsigned long long)s.op[VBLK_OP_READ].bytes);
	EQ(s.op[VBLK_OP_READ].errors + s.op[VBLK_OP_WRITE].errors, 0);
	detach(id);
}

/* 40 MiB of memory for who may have 16. */
static void group(void)
{
	int below, fd, id;
	char path[32];

	fresh();
	write_to("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	mkdir(GROUP, 0700);
	if (!write_to(GROUP "/memory.max", "16M")) {
		rmdir(GROUP);
		test_skip("no control group of memory");
	}
	below = attach_ram(64 * MIB);
	fd = disk_open(below, O_RDWR | O_CLOEXEC);
	/* All of its pages are there: later on it needs no more memory. */
	put(fd, 0, 64 * MIB, 1);
	OK(fsync(fd));
	id = attach_fd(VBLK_BACKING_BDEV, fd, 0);
	close(fd);
	swap_on(id, path);
	wait_for(in_child(GROUP "/cgroup.procs", 40 * MIB, getenv("LONG") ? 4 : 1));
	swap_off(id, path, 16 * MIB);
	detach(below);
	OK(rmdir(GROUP));
}

/* Two that have half as much again as the machine, together. */
static void machine(void)
{
	const char *device = getenv("VBLK_SWAP");
	uint64_t bytes = sysconf(_SC_PHYS_PAGES) * PAGE / 4 * 3;
	pid_t child[2];
	char path[32];
	int fd, id;

	if (!device)
		test_skip("VBLK_SWAP names no block device to overwrite");
	fresh();
	fd = OK(open(device, O_RDWR | O_CLOEXEC));
	REQUIRE(disk_bytes(fd) >= 2 * bytes, "%s is too small", device);
	id = attach_fd(VBLK_BACKING_BDEV, fd, 0);
	close(fd);
	swap_on(id, path);
	child[0] = in_child(NULL, bytes, 2);
	child[1] = in_child(NULL, bytes, 2);
	wait_for(child[0]);
	wait_for(child[1]);
	swap_off(id, path, bytes / 2);
}

static const struct test tests[] = {
	{ "group", group },
	{ "machine", machine },
};

TEST_SUITE(tests);
