// SPDX-License-Identifier: GPL-2.0
/* A file against a copy of it in memory, whatever is done to both. */
#include <sys/mman.h>

#include "fsx.h"
#include "pool.h"

static void range_same(struct checked *f, uint64_t pos, uint64_t n)
{
	uint64_t i;

	EQ(OK(pread(f->fd, f->buf, n, pos)), n);
	for (i = 0; i < n && f->buf[i] == f->copy[pos + i]; i++)
		;
	REQUIRE(i == n, "byte %llu of the file is %02x, not %02x", (unsigned long long)(pos + i),
		f->buf[i], f->copy[pos + i]);
}

static void one_write(struct checked *f, bool map)
{
	uint64_t pos = below(&f->seed, CHECKED_MAX - 65536), n = 1 + below(&f->seed, 65536), i;
	uint8_t *p;

	if (map) {
		if (pos + n > f->bytes)
			return;
	} else if (pos + n > f->bytes) {
		f->bytes = pos + n;
	}
	for (i = 0; i < n; i += 8)
		*(uint64_t *)(f->buf + i) = rnd(&f->seed);
	memcpy(f->copy + pos, f->buf, n);
	if (!map) {
		EQ(OK(pwrite(f->fd, f->buf, n, pos)), n);
		return;
	}
	p = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	REQUIRE(p != MAP_FAILED, "mmap: %s", strerror(errno));
	CHECK(!memcmp(p, f->copy, pos), "the map before what is written");
	memcpy(p + pos, f->buf, n);
	munmap(p, f->bytes);
}

static void map_same(struct checked *f)
{
	uint8_t *p;

	if (!f->bytes)
		return;
	p = mmap(NULL, f->bytes, PROT_READ, MAP_PRIVATE, f->fd, 0);
	REQUIRE(p != MAP_FAILED, "mmap: %s", strerror(errno));
	CHECK(!memcmp(p, f->copy, f->bytes), "the file by a map");
	munmap(p, f->bytes);
}

/* Something at random is done to the file and to the copy, or both are compared. */
void checked_step(struct checked *f)
{
	uint64_t pos = below(&f->seed, f->bytes + 1), n = below(&f->seed, 65536);

	switch (below(&f->seed, 13)) {
	case 0:
	case 1:
	case 2:
	case 3:
		one_write(f, false);
		break;
	case 4:
	case 5:
		one_write(f, true);
		break;
	case 6:
		OK(fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, pos, n + 1));
		if (pos + n + 1 > f->bytes)
			n = f->bytes - pos;
		else
			n++;
		memset(f->copy + pos, 0, n);
		break;
	case 7:
		n = below(&f->seed, CHECKED_MAX - 65536);
		OK(ftruncate(f->fd, n));
		if (n < f->bytes)
			memset(f->copy + n, 0, f->bytes - n);
		f->bytes = n;
		break;
	case 8:
		OK(fsync(f->fd));
		break;
	case 9:
		/* from the disk again */
		OK(fsync(f->fd));
		OK(posix_fadvise(f->fd, 0, 0, POSIX_FADV_DONTNEED));
		break;
	case 10:
		/* by another map than that of writes, as long as the file is now */
		map_same(f);
		break;
	default:
		if (pos + n > f->bytes)
			n = f->bytes - pos;
		range_same(f, pos, n);
	}
}

void checked_open(struct checked *f, const char *dir, const char *name, uint64_t seed)
{
	*f = (struct checked){
		.seed = seed, .copy = calloc(1, CHECKED_MAX), .buf = malloc(CHECKED_MAX),
		.fd = file_on(dir, name, 0),
	};
	snprintf(f->path, sizeof(f->path), "%s/%s", dir, name);
}

/* The file system has been mounted again. */
void checked_again(struct checked *f)
{
	f->fd = OK(open(f->path, O_RDWR | O_CLOEXEC));
	EQ(lseek(f->fd, 0, SEEK_END), f->bytes);
	checked_all(f);
}

void checked_all(struct checked *f)
{
	range_same(f, 0, f->bytes);
}

/* It is durable; for checked_again() or checked_end(). */
void checked_close(struct checked *f)
{
	OK(fsync(f->fd));
	close(f->fd);
}

void checked_end(struct checked *f)
{
	free(f->copy);
	free(f->buf);
}
