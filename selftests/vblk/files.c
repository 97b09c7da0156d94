// SPDX-License-Identifier: GPL-2.0
/*
 * Files on file systems on disks, against copies of them in memory (fsx.h): several at
 * once. VBLK_DIR in the environment is a file system to do it on, which somebody else
 * has made and mounted, and VBLK_STEPS how much is done there.
 */
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fsx.h"

#define FILES 3

static unsigned long steps(void)
{
	const char *text = getenv("VBLK_STEPS");

	if (text)
		return strtoul(text, NULL, 0);
	return getenv("LONG") ? 20000 : scale(400, 100);
}

/* What took longest is for who wonders where a machine's time goes. */
static void check_file(struct checked *f, unsigned int number)
{
	uint64_t began, took, longest = 0;
	unsigned long n, at = 0;

	for (n = 0; n < steps() && !test_failures(); n++) {
		began = now_ns();
		checked_step(f);
		took = now_ns() - began;
		if (took > longest) {
			longest = took;
			at = n;
		}
	}
	checked_all(f);
	checked_close(f);
	diag("file %u: %lu steps; the longest, %lu: %llu ms", number, n, at,
	     (unsigned long long)(longest / 1000000));
}

/* Each by a process of its own. Return: how many of them found something. */
static unsigned int check_files(const char *dir, struct checked *f)
{
	pid_t parent = getpid(), pid[FILES];
	unsigned int i, bad = 0;
	int status;

	for (i = 0; i < FILES; i++) {
		pid[i] = OK(fork());
		if (pid[i])
			continue;
		/* A time-out of the test must not leave users of the file system behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		check_file(&f[i], i);
		_exit(test_failures() ? 1 : 0);
	}
	for (i = 0; i < FILES; i++) {
		OK(waitpid(pid[i], &status, 0));
		bad += status != 0;
	}
	CHECK(!bad, "%u of %u files on %s are not what they should be", bad, FILES, dir);
	return bad;
}

static void check_dir(const char *dir)
{
	struct checked f[FILES];
	char name[16];
	unsigned int i;

	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "file%u", i);
		checked_open(&f[i], dir, name, i + 1);
	}
	check_files(dir, f);
	for (i = 0; i < FILES; i++) {
		close(f[i].fd);
		checked_end(&f[i]);
	}
}

/* A disk on a file on ext4 on memory, with an ext4 of its own. */
static void on_ext4(uint32_t flags)
{
	int below, id, fd;

	fresh();
	below = attach_ram(64 * MIB);
	ext4_on(below, "/mnt-vblk");
	fd = file_on("/mnt-vblk", "disk", 32 * MIB);
	id = attach_fd(VBLK_BACKING_FILE, fd, flags);
	ext4_on(id, "/mnt-vblk2");
	check_dir("/mnt-vblk2");
	leave_dir("/mnt-vblk2");
	detach(id);
	close(fd);
	leave_dir("/mnt-vblk");
	detach(below);
}

static void file_direct(void)
{
	on_ext4(VBLK_ATTACH_DIRECT);
}

static void file_buffered(void)
{
	on_ext4(VBLK_ATTACH_BUFFERED);
}

static void directory(void)
{
	const char *dir = getenv("VBLK_DIR");

	if (!dir)
		test_skip("VBLK_DIR names no file system");
	check_dir(dir);
}

static const struct test tests[] = {
	{ "file_direct", file_direct },
	{ "file_buffered", file_buffered },
	{ "directory", directory },
};

TEST_SUITE(tests);
