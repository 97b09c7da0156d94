// SPDX-License-Identifier: GPL-2.0
/*
 * virtio block device (virtio 1.2, 5.2) on a file or a block device.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "virtio.h"
#include "vm.h"

#define CLASS_STORAGE	0x010000
#define SECTOR		512

/* A header and a status byte go with every request. */
#define SEG_MAX		(VQ_MAX_SIZE - 2)

/**
 * struct virtio_blk - a disk
 * @v: virtio device
 * @fd: backing file
 * @ro: read-only
 * @config: what the driver reads
 * @id: serial number
 *
 * Constant after creation; requests of several queues share it without a lock.
 */
struct virtio_blk {
	struct virtio v;
	int fd;
	bool ro;
	struct virtio_blk_config config;
	char id[VIRTIO_BLK_ID_BYTES];
};

/* All or nothing of a piece of the disk. */
static int transfer(int fd, struct iovec *iov, unsigned int nr, u64 off,
		    bool write, int flags)
{
	while (nr) {
		ssize_t n = write ? pwritev2(fd, iov, nr, off, flags) :
				    preadv2(fd, iov, nr, off, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		off += n;
		while (nr && (size_t)n >= iov->iov_len) {
			n -= iov->iov_len;
			iov++;
			nr--;
		}
		if (nr) {
			iov->iov_base = (u8 *)iov->iov_base + n;
			iov->iov_len -= n;
		}
	}
	return 0;
}

static bool in_range(const struct virtio_blk *blk, u64 sector, u64 len)
{
	return len % SECTOR == 0 && sector <= blk->config.capacity &&
	       len / SECTOR <= blk->config.capacity - sector;
}

static u8 blk_read(struct virtio_blk *blk, struct vq_elem *e, u64 sector,
		   u64 len)
{
	struct iovec iov[VQ_MAX_SIZE];
	unsigned int nr;

	if (!in_range(blk, sector, len))
		return VIRTIO_BLK_S_IOERR;
	nr = iov_slice(iov, e->iov + e->nr_out, e->nr_in, 0, len);
	return transfer(blk->fd, iov, nr, sector * SECTOR, false, 0) ?
		VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
}

static u8 blk_write(struct virtio_blk *blk, struct vq_elem *e, u64 sector)
{
	size_t head = sizeof(struct virtio_blk_outhdr);
	u64 len = e->out_len - head;
	struct iovec iov[VQ_MAX_SIZE];
	unsigned int nr;
	/* A driver that cannot flush must find each write on the disk. */
	bool flushes = blk->v.driver_features & BIT_ULL(VIRTIO_BLK_F_FLUSH);

	if (blk->ro || !in_range(blk, sector, len))
		return VIRTIO_BLK_S_IOERR;
	nr = iov_slice(iov, e->iov, e->nr_out, head, len);
	return transfer(blk->fd, iov, nr, sector * SECTOR, true,
			flushes ? 0 : RWF_DSYNC) ?
		VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
}

static u32 blk_handle(struct virtio *v, unsigned int queue, struct vq_elem *e)
{
	struct virtio_blk *blk = container_of(v, struct virtio_blk, v);
	const struct iovec *in = e->iov + e->nr_out;
	struct virtio_blk_outhdr h;
	u32 written = 0;
	u64 len;
	u8 status;

	(void)queue;
	/* Without a place for the status there is no way to answer. */
	if (!e->in_len ||
	    iov_to_buf(e->iov, e->nr_out, 0, &h, sizeof(h)) != sizeof(h)) {
		virtio_broken(v);
		return 0;
	}

	len = e->in_len - 1;
	switch (h.type) {
	case VIRTIO_BLK_T_IN:
		status = blk_read(blk, e, h.sector, len);
		if (status == VIRTIO_BLK_S_OK)
			written = len;
		break;
	case VIRTIO_BLK_T_OUT:
		status = blk_write(blk, e, h.sector);
		break;
	case VIRTIO_BLK_T_FLUSH:
		status = fdatasync(blk->fd) ? VIRTIO_BLK_S_IOERR :
					      VIRTIO_BLK_S_OK;
		break;
	case VIRTIO_BLK_T_GET_ID:
		written = iov_from_buf(in, e->nr_in, 0, blk->id,
				       min_t(u64, len, sizeof(blk->id)));
		status = VIRTIO_BLK_S_OK;
		break;
	default:
		status = VIRTIO_BLK_S_UNSUPP;
	}

	iov_from_buf(in, e->nr_in, len, &status, 1);
	return written + 1;
}

static const struct virtio_ops blk_ops = {
	.id = VIRTIO_ID_BLOCK,
	.class = CLASS_STORAGE,
	.handle = blk_handle,
};

static int backing_size(struct virtio_blk *blk, const char *path, u64 *size)
{
	struct stat st;

	if (fstat(blk->fd, &st))
		return vl_error(errno, "%s", path);
	if (S_ISREG(st.st_mode))
		*size = st.st_size;
	else if (!S_ISBLK(st.st_mode))
		return vl_error(EINVAL,
				"%s is neither a file nor a block device",
				path);
	else if (ioctl(blk->fd, BLKGETSIZE64, size))
		return vl_error(errno, "%s: BLKGETSIZE64", path);
	if (*size < SECTOR || *size % SECTOR)
		return vl_error(EINVAL,
				"%s has %llu bytes, not a multiple of 512",
				path, (unsigned long long)*size);
	return 0;
}

static int open_backing(struct virtio_blk *blk, const struct vmm_disk *disk)
{
	int ret;
	u64 size;

	blk->fd = open(disk->path,
		       (disk->ro ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (blk->fd < 0)
		return vl_error(errno, "disk %s", disk->path);

	/* Two guests that write to one disk destroy it. */
	if (flock(blk->fd, (disk->ro ? LOCK_SH : LOCK_EX) | LOCK_NB))
		return vl_error(errno == EWOULDBLOCK ? EBUSY : errno,
				"disk %s", disk->path);

	ret = backing_size(blk, disk->path, &size);
	if (ret)
		return ret;
	blk->ro = disk->ro;
	blk->config.capacity = size / SECTOR;
	return 0;
}

/**
 * virtio_blk_create() - add a disk
 * @vm: machine
 * @disk: what it shows
 * @nr_queues: request queues
 *
 * Return: the disk, or NULL with vl_message() set.
 */
struct virtio_blk *virtio_blk_create(struct vm *vm, const struct vmm_disk *disk,
				     unsigned int nr_queues)
{
	struct virtio_blk *blk = calloc(1, sizeof(*blk));
	u64 features = BIT_ULL(VIRTIO_BLK_F_FLUSH) |
		       BIT_ULL(VIRTIO_BLK_F_SEG_MAX) |
		       BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) |
		       BIT_ULL(VIRTIO_BLK_F_MQ);

	if (!blk) {
		vl_error(ENOMEM, "disk %s", disk->path);
		return NULL;
	}
	if (open_backing(blk, disk))
		goto err_free;

	if (disk->ro)
		features |= BIT_ULL(VIRTIO_BLK_F_RO);
	blk->config.seg_max = SEG_MAX;
	blk->config.blk_size = SECTOR;
	blk->config.num_queues = nr_queues;
	snprintf(blk->id, sizeof(blk->id), "virtlite-%u", vm->pci.nr_slots);

	blk->v.config = &blk->config;
	blk->v.config_size = sizeof(blk->config);
	if (virtio_init(vm, &blk->v, &blk_ops, features, nr_queues))
		goto err_virtio;
	return blk;

err_virtio:
	virtio_exit(&blk->v);
err_free:
	if (blk->fd >= 0)
		close(blk->fd);
	free(blk);
	return NULL;
}

/**
 * virtio_blk_destroy() - remove a disk; all that was flushed is on it
 * @blk: disk, or NULL
 */
void virtio_blk_destroy(struct virtio_blk *blk)
{
	if (!blk)
		return;
	virtio_exit(&blk->v);
	close(blk->fd);
	free(blk);
}
