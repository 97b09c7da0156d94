// SPDX-License-Identifier: GPL-2.0
/* Stores in files and on block devices. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "store.h"

static struct file_store *file(struct store *s)
{
	return (struct file_store *)((char *)s - offsetof(struct file_store, s));
}

static int file_read(struct store *s, void *buf, size_t n, uint64_t pos)
{
	char *p = buf;
	ssize_t r;

	while (n) {
		r = pread(file(s)->fd, p, n, pos);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return vl_error(errno, "%s: reading at %llu", s->name,
					(unsigned long long)pos);
		if (!r) {
			memset(p, 0, n);
			return 0;
		}
		p += r;
		pos += r;
		n -= r;
	}
	return 0;
}

static int file_write(struct store *s, const void *buf, size_t n, uint64_t pos)
{
	const char *p = buf;
	ssize_t r;

	while (n) {
		r = pwrite(file(s)->fd, p, n, pos);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return vl_error(r ? errno : EIO, "%s: writing at %llu", s->name,
					(unsigned long long)pos);
		p += r;
		pos += r;
		n -= r;
	}
	return 0;
}

static int file_flush(struct store *s)
{
	return fdatasync(file(s)->fd) ? vl_error(errno, "%s: flush", s->name) : 0;
}

static void file_punch(struct store *s, uint64_t n, uint64_t pos)
{
	fallocate(file(s)->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, pos, n);
}

/**
 * store_open() - open a file or a block device
 * @f: filled in
 * @path: its name, which stays the caller's and must live as long as @f
 * @flags: as for open()
 *
 * What is open for writing is locked, with the lock that `virtlite disk attach`
 * takes, too: an image has one writer, and nobody reads one that is being written.
 */
int store_open(struct file_store *f, const char *path, int flags)
{
	struct flock lock = { .l_type = (flags & O_ACCMODE) == O_RDONLY ? F_RDLCK : F_WRLCK };
	struct stat st;

	f->s = (struct store) {
		.read = file_read,
		.write = file_write,
		.flush = file_flush,
		.punch = file_punch,
		.name = path,
	};
	f->fd = open(path, flags | O_CLOEXEC, 0666);
	if (f->fd < 0)
		return vl_error(errno, "%s", path);
	if (fstat(f->fd, &st)) {
		vl_error(errno, "%s", path);
		goto err_close;
	}
	f->block_device = S_ISBLK(st.st_mode);
	if (f->block_device) {
		if (ioctl(f->fd, BLKGETSIZE64, &f->s.bytes)) {
			vl_error(errno, "%s: size", path);
			goto err_close;
		}
	} else if (S_ISREG(st.st_mode)) {
		f->s.bytes = st.st_size;
		if (fcntl(f->fd, F_OFD_SETLK, &lock) && (errno == EAGAIN || errno == EACCES)) {
			vl_error(EBUSY, "%s: another program has locked it", path);
			goto err_close;
		}
	} else {
		vl_error(0, "%s: neither a file nor a block device", path);
		goto err_close;
	}
	return 0;

err_close:
	close(f->fd);
	f->fd = -1;
	return -EIO;
}

/* Makes a file longer or shorter; a block device must be long enough. */
int store_resize(struct file_store *f, uint64_t bytes)
{
	if (f->block_device) {
		if (bytes > f->s.bytes)
			return vl_error(ENOSPC, "%s: has %llu bytes, %llu are needed", f->s.name,
					(unsigned long long)f->s.bytes,
					(unsigned long long)bytes);
		return 0;
	}
	if (ftruncate(f->fd, bytes))
		return vl_error(errno, "%s: to %llu bytes", f->s.name, (unsigned long long)bytes);
	f->s.bytes = bytes;
	return 0;
}

/**
 * store_data() - the next range that is no hole
 * @f: store
 * @pos: from here on
 * @start: where it begins
 * @end: where it ends
 *
 * Return: 1, or 0 if there is no more.
 */
int store_data(struct file_store *f, uint64_t pos, uint64_t *start, uint64_t *end)
{
	off_t data, hole;

	if (pos >= f->s.bytes)
		return 0;
	data = f->block_device ? -1 : lseek(f->fd, pos, SEEK_DATA);
	if (data < 0) {
		if (!f->block_device && errno == ENXIO)
			return 0;
		*start = pos;
		*end = f->s.bytes;
		return 1;
	}
	hole = lseek(f->fd, data, SEEK_HOLE);
	*start = data;
	*end = hole < 0 || (uint64_t)hole > f->s.bytes ? f->s.bytes : (uint64_t)hole;
	return *start < *end;
}

int store_close(struct file_store *f)
{
	int ret = 0;

	if (f->fd >= 0 && close(f->fd))
		ret = vl_error(errno, "%s", f->s.name);
	f->fd = -1;
	return ret;
}
