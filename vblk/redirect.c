// SPDX-License-Identifier: GPL-2.0
/*
 * Reading and writing a volume by a worker, which may wait: runs of clusters one after
 * the other. What may not be written in place goes to new clusters: data first, then
 * the map.
 *
 * A writer has the span of all clusters that he writes to, so that nobody else writes
 * to them, in place or not. He is not in a section of the image's SRCU while he waits
 * for a commit.
 */

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uio.h>

#include "image.h"

/* Nodes that one change of the map makes dirty, at most. */
#define PATH VB_TREE_MAX_DEPTH

/* A piece of a request: of one cluster, or whole ones that lie in a row. */
struct piece {
	u64 leaf;
	u32 clusters;
	u64 in;		/* bytes before it in its first cluster */
	u64 bytes;
};

static u64 cluster_bytes(struct vb_image *im)
{
	return 1ULL << im->super.cluster_shift;
}

static bool has_place(const struct vb_entry *e)
{
	return e->block;
}

/* Part of an iterator; the whole moves on. */
static struct iov_iter split(struct iov_iter *iter, u64 bytes)
{
	struct iov_iter part = *iter;

	iov_iter_truncate(&part, bytes);
	iov_iter_advance(iter, bytes);
	return part;
}

/* How many of the clusters from @leaf on lie in a row, up to @most bytes' worth? */
static int row(struct vb_vol *vol, u64 leaf, const struct vb_entry *e, u64 most, u32 *n)
{
	u32 size = vb_cluster_blocks(vol->im);
	struct vb_entry f;
	int ret;

	for (*n = 1; *n < most; (*n)++) {
		ret = vb_map_find(vol, leaf + *n, &f);
		if (ret)
			return ret;
		if (has_place(&f) != has_place(e) ||
		    (has_place(e) && f.block != e->block + (u64)*n * size))
			break;
	}
	return 0;
}

/**
 * vb_vol_read() - read from a volume
 * @vol: volume
 * @pos: where, in bytes
 * @bytes: how many, within the volume
 * @iter: to where
 *
 * Context: a worker, in a section of the image's SRCU.
 *
 * Return: 0 or a negative errno.
 */
int vb_vol_read(struct vb_vol *vol, u64 pos, u64 bytes, struct iov_iter *iter)
{
	u32 shift = vol->im->super.cluster_shift, n;
	u64 in, most, len;
	struct iov_iter part;
	struct vb_entry e;
	int ret = 0;

	while (!ret && bytes) {
		in = pos & (cluster_bytes(vol->im) - 1);
		most = (in + bytes + cluster_bytes(vol->im) - 1) >> shift;
		ret = vb_map_find(vol, pos >> shift, &e);
		ret = ret ?: row(vol, pos >> shift, &e, most, &n);
		if (ret)
			break;
		len = min(bytes, ((u64)n << shift) - in);
		part = split(iter, len);
		if (has_place(&e))
			ret = vb_data_io(vol->im, e.block * VB_BLOCK + in, &part, false);
		else if (iov_iter_zero(len, &part) != len)
			ret = -EFAULT;
		pos += len;
		bytes -= len;
	}
	return ret;
}

/* Nothing is changed faster than it can be written. */
static int keep_pace(struct vb_image *im)
{
	return vb_space_crowded(im, true) ? vb_commit_wait(im, false) : 0;
}

/* New clusters. If there is no space, what has been given up may be had. */
static int get_space(struct vb_vol *vol, u32 want, u64 *block, u32 *got)
{
	struct vb_image *im = vol->im;
	int ret, tries;

	ret = keep_pace(im);
	if (ret)
		return ret;
	for (tries = 0; ; tries++) {
		ret = vb_space_promise(im, PATH);
		if (!ret) {
			ret = vb_space_data(im, want, block, got);
			if (!ret)
				return 0;
			vb_space_unpromise(im, PATH);
		}
		if (ret != -ENOSPC || tries)
			return ret;
		ret = vb_commit_wait(im, true);
		if (ret)
			return ret;
	}
}

static void put_promise(struct vb_vol *vol)
{
	vb_space_unpromise(vol->im, PATH);
}

/* Whole clusters to a new place: as many as there are in a row there. */
static int write_whole(struct vb_vol *vol, struct piece *p, struct iov_iter *iter)
{
	u32 size = vb_cluster_blocks(vol->im), want, got;
	struct iov_iter part = *iter;
	u64 block;
	int ret;

	want = min3(p->clusters, (u32)VB_MAP_RUN, (u32)(VB_FANOUT - (p->leaf & (VB_FANOUT - 1))));
	ret = get_space(vol, want, &block, &got);
	if (ret)
		return ret;
	p->clusters = got;
	p->bytes = got * cluster_bytes(vol->im);
	iov_iter_truncate(&part, p->bytes);
	ret = vb_data_io(vol->im, block * VB_BLOCK, &part, true);
	if (!ret)
		ret = vb_map_set(vol, p->leaf, got, block);
	/* With an error of the map the image is read-only, and no space is needed. */
	if (ret)
		vb_space_cancel(vol->im, block, got * size);
	put_promise(vol);
	return ret;
}

/* A part of a cluster: with the rest of it, to a new place. */
static int write_part(struct vb_vol *vol, struct piece *p, const struct vb_entry *old,
		      struct iov_iter *iter)
{
	u64 bytes = cluster_bytes(vol->im), block;
	struct vb_image *im = vol->im;
	struct iov_iter part, from = *iter;
	struct bio_vec bv;
	struct page *page;
	u32 got;
	int ret;

	page = mempool_alloc(&im->clusters, GFP_NOIO);
	bvec_set_page(&bv, page, bytes, 0);
	if (has_place(old)) {
		iov_iter_bvec(&part, ITER_DEST, &bv, 1, bytes);
		ret = vb_data_io(im, old->block * VB_BLOCK, &part, false);
	} else {
		memset(page_address(page), 0, bytes);
		ret = 0;
	}
	if (!ret && copy_from_iter(page_address(page) + p->in, p->bytes, &from) != p->bytes)
		ret = -EFAULT;
	ret = ret ?: get_space(vol, 1, &block, &got);
	if (ret)
		goto out;
	iov_iter_bvec(&part, ITER_SOURCE, &bv, 1, bytes);
	ret = vb_data_io(im, block * VB_BLOCK, &part, true);
	if (!ret)
		ret = vb_map_set(vol, p->leaf, 1, block);
	if (ret)
		vb_space_cancel(im, block, vb_cluster_blocks(im));
	put_promise(vol);
out:
	mempool_free(page, &im->clusters);
	return ret;
}

/* In place, if that is allowed. Return: 0: done, 1: it is not, or a negative errno. */
static int try_in_place(struct vb_vol *vol, struct piece *p, struct vb_entry *e,
			struct iov_iter *iter)
{
	struct vb_image *im = vol->im;
	struct vb_tree *t = &vol->tree;
	struct iov_iter part = *iter;
	bool allowed, frozen;
	int section, ret;

	for (;;) {
		ret = vb_map_find(vol, p->leaf, e);
		if (ret)
			return ret;
		if (!has_place(e))
			return 1;
		section = __srcu_read_lock(&im->srcu);
		spin_lock(&t->lock);
		frozen = vol->frozen;
		allowed = e->birth > vol->inplace;
		spin_unlock(&t->lock);
		if (!frozen)
			break;
		__srcu_read_unlock(&im->srcu, section);
		wait_event(vol->wait, !READ_ONCE(vol->frozen));
	}
	if (allowed) {
		iov_iter_truncate(&part, p->bytes);
		ret = vb_data_io(im, e->block * VB_BLOCK + p->in, &part, true);
	}
	__srcu_read_unlock(&im->srcu, section);
	return allowed ? ret : 1;
}

static int write_piece(struct vb_vol *vol, struct piece *p, u64 left, struct iov_iter *iter)
{
	u64 size = cluster_bytes(vol->im);
	u32 whole = left / size, i;
	struct vb_entry e, f;
	int ret;

	p->clusters = 1;
	p->bytes = min(left, size - p->in);
	ret = try_in_place(vol, p, &e, iter);
	if (ret <= 0)
		return ret;
	if (p->bytes < size)
		return write_part(vol, p, &e, iter);
	/* Those that follow and must move, too, move together with it. */
	for (i = 1; i < min_t(u32, whole, VB_MAP_RUN); i++) {
		ret = vb_map_find(vol, p->leaf + i, &f);
		if (ret)
			return ret;
		if (has_place(&f) && f.birth > READ_ONCE(vol->inplace))
			break;
	}
	p->clusters = i;
	return write_whole(vol, p, iter);
}

/**
 * vb_vol_write() - write to a volume
 * @vol: volume
 * @pos: where, in bytes
 * @bytes: how many, within the volume
 * @iter: from where
 *
 * Context: a worker, outside of sections.
 *
 * Return: 0 or a negative errno.
 */
int vb_vol_write(struct vb_vol *vol, u64 pos, u64 bytes, struct iov_iter *iter)
{
	u32 shift = vol->im->super.cluster_shift;
	struct vb_span span;
	struct piece p;
	int ret = 0;

	if (vb_image_rdonly(vol->im))
		return -EROFS;
	vb_span_lock(vol, &span, pos >> shift, (pos + bytes - 1) >> shift);
	while (!ret && bytes) {
		p.leaf = pos >> shift;
		p.in = pos & (cluster_bytes(vol->im) - 1);
		ret = write_piece(vol, &p, bytes, iter);
		if (!ret) {
			iov_iter_advance(iter, p.bytes);
			pos += p.bytes;
			bytes -= p.bytes;
		}
	}
	vb_span_unlock(vol, &span);
	return ret;
}

/* A part of a cluster becomes zeroes; a hole is that already. */
static int zero_part(struct vb_vol *vol, u64 pos, u64 bytes)
{
	struct bio_vec bv[16];
	struct iov_iter iter;
	struct vb_entry e;
	unsigned int i, n = DIV_ROUND_UP(bytes, PAGE_SIZE);
	int ret;

	ret = vb_map_find(vol, pos >> vol->im->super.cluster_shift, &e);
	if (ret || !has_place(&e))
		return ret;
	for (i = 0; i < n; i++)
		bvec_set_page(&bv[i], ZERO_PAGE(0), PAGE_SIZE, 0);
	iov_iter_bvec(&iter, ITER_SOURCE, bv, n, bytes);
	return vb_vol_write(vol, pos, bytes, &iter);
}

/* Clusters of one node become holes. */
static int make_holes(struct vb_vol *vol, u64 leaf, u32 n)
{
	struct vb_entry e;
	u32 i, some = 0;
	int ret;

	for (i = 0; i < n; i++) {
		ret = vb_map_find(vol, leaf + i, &e);
		if (ret)
			return ret;
		some += has_place(&e);
	}
	if (!some)
		return 0;
	ret = keep_pace(vol->im) ?: vb_space_promise(vol->im, PATH);
	if (ret == -ENOSPC)
		ret = vb_commit_wait(vol->im, true) ?: vb_space_promise(vol->im, PATH);
	if (ret)
		return ret;
	ret = vb_map_set(vol, leaf, n, 0);
	vb_space_unpromise(vol->im, PATH);
	return ret;
}

/* What one piece of a long discard looks at. */
#define RUNS 1024

/*
 * From *@pos on up to @end, whole clusters become holes; the rest is zeroed if it has to
 * be. Not all at once, if it is much: *@pos says how far it has come.
 */
static int discard(struct vb_vol *vol, u64 *pos, u64 end, bool zero)
{
	u64 size = cluster_bytes(vol->im), len;
	u32 shift = vol->im->super.cluster_shift, n;
	unsigned int runs;
	struct vb_span span;
	s64 holes;
	int ret = 0;

	for (runs = 0; !ret && *pos < end && runs < RUNS; runs++, *pos += len) {
		cond_resched();
		holes = vb_map_hole(vol, *pos >> shift);
		if (holes < 0)
			return holes;
		if (holes) {
			len = min(end - *pos, ((u64)holes << shift) - (*pos & (size - 1)));
			continue;
		}
		if (*pos & (size - 1) || end - *pos < size) {
			len = min(end - *pos, size - (*pos & (size - 1)));
			/* What lies behind the volume's end need not stay. */
			if (zero)
				ret = zero_part(vol, *pos, len);
			continue;
		}
		n = min_t(u64, (end - *pos) >> shift, VB_MAP_RUN);
		n = min_t(u64, n, VB_FANOUT - (*pos >> shift & (VB_FANOUT - 1)));
		len = (u64)n << shift;
		vb_span_lock(vol, &span, *pos >> shift, (*pos >> shift) + n - 1);
		ret = make_holes(vol, *pos >> shift, n);
		vb_span_unlock(vol, &span);
	}
	return ret;
}

/**
 * vb_vol_discard() - clusters are not needed any more
 * @vol: volume
 * @pos: where, in bytes
 * @bytes: how many, within the volume
 * @zero: what is not a whole cluster has to read as zeroes, too
 *
 * Context: a worker, outside of sections.
 *
 * Return: 0 or a negative errno; -ENOSPC only if @zero.
 */
int vb_vol_discard(struct vb_vol *vol, u64 pos, u64 bytes, bool zero)
{
	u64 end = pos + bytes;
	int ret = 0;

	if (vb_image_rdonly(vol->im))
		return -EROFS;
	/* The last cluster may be there in part only: what is behind is nobody's. */
	if (end == READ_ONCE(vol->rec.size))
		end = round_up(end, cluster_bytes(vol->im));
	while (!ret && pos < end)
		ret = discard(vol, &pos, end, zero);
	return ret == -ENOSPC && !zero ? 0 : ret;
}

/**
 * vb_vol_cut() - a part of what a volume that shrinks has behind its new end goes
 * @vol: volume; nobody has it open
 * @pos: from where on, in bytes; on return how far it has come
 * @end: behind the last cluster
 *
 * Context: a worker, outside of sections.
 *
 * Return: 0 or a negative errno.
 */
int vb_vol_cut(struct vb_vol *vol, u64 *pos, u64 end)
{
	return vb_image_rdonly(vol->im) ? -EROFS : discard(vol, pos, end, true);
}
