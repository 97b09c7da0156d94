// SPDX-License-Identifier: GPL-2.0
/*
 * Volumes are made and taken out of their branch: create, snapshot, clone, delete,
 * promote. Each is an operation of a commit, which checks first, then changes.
 */

#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uuid.h>

#include "image.h"

/* A record for what is new. Nothing else knows of it yet. */
struct make {
	struct vblk_image_make *m;
	struct vb_msg *msg;
	struct vb_vol *vol;	/* new; the image's if the operation succeeds */
};

static bool name_free(struct vb_image *im, const u8 *name)
{
	struct vb_vol *vol;
	unsigned long number;

	xa_for_each(&im->volumes, number, vol) {
		if ((vol->rec.state == VB_VOLUME_LIVE || vol->rec.state == VB_VOLUME_SNAPSHOT) &&
		    !memcmp(vol->rec.name, name, sizeof(vol->rec.name)))
			return false;
		cond_resched();
	}
	return true;
}

/* Before anything changes: may there be another one? Its number is reserved. */
static int add(struct vb_image *im, struct make *k)
{
	int ret;

	if (!name_free(im, k->m->name)) {
		vb_say(k->msg, "there is a volume with that name");
		return -EEXIST;
	}
	if (im->next_volume >= VB_MAX_VOLUMES) {
		vb_say(k->msg, "all numbers have been used");
		return -ENOSPC;
	}
	/* A path of the table, the log, and what the volume will need at once. */
	ret = vb_space_promise(im, 2 * VB_TREE_MAX_DEPTH);
	if (ret) {
		vb_say(k->msg, "there is no space");
		return ret;
	}
	vb_space_unpromise(im, 2 * VB_TREE_MAX_DEPTH);
	ret = xa_err(xa_store(&im->volumes, im->next_volume, k->vol, GFP_NOIO));
	if (ret)
		return ret;
	k->vol->rec.number = im->next_volume++;
	k->vol->rec.born = im->next.epoch;
	im->nr_volumes++;
	k->m->volume = k->vol->rec.number;
	k->m->epoch = im->next.epoch;
	k->m->length = k->vol->rec.size;
	vb_vol_changed(k->vol);
	return 0;
}

static int make(struct vb_image *im, struct make *k, int (*fn)(struct vb_image *, void *))
{
	struct vb_op op = { .fn = fn, .arg = k };
	struct vb_volume rec = {
		.state = VB_VOLUME_LIVE, .time = ktime_get_real_seconds(),
		.origin = VB_NO_VOLUME, .older = VB_NO_VOLUME, .newer = VB_NO_VOLUME,
	};
	int ret;

	memcpy(rec.name, k->m->name, sizeof(rec.name));
	generate_random_uuid(rec.uuid);
	k->vol = vb_vol_new(im, &rec);
	if (!k->vol)
		return -ENOMEM;
	ret = vb_commit(im, &op);
	/* Once it is the image's, an error is the image's, too. */
	if (op.ret)
		vb_vol_free(k->vol);
	return op.ret ?: ret;
}

static int do_create(struct vb_image *im, void *arg)
{
	struct make *k = arg;
	u32 shift = im->super.cluster_shift;

	k->vol->rec.size = k->m->length;
	k->vol->tree.depth = vb_tree_depth((k->m->length + (1ULL << shift) - 1) >> shift);
	return add(im, k);
}

int vb_image_create(struct vb_image *im, struct vblk_image_make *m, struct vb_msg *msg)
{
	struct make k = { .m = m, .msg = msg };
	int ret;

	if (!m->length || m->length % 512 || m->length > VB_MAX_VOLUME_BYTES) {
		vb_say(msg, "a volume has a multiple of 512 bytes, up to 2^52");
		return -EINVAL;
	}
	mutex_lock(&im->admin);
	ret = make(im, &k, do_create);
	mutex_unlock(&im->admin);
	return ret;
}

static struct vb_vol *source(struct vb_image *im, u32 number, u32 state, struct vb_msg *msg,
			     int *ret)
{
	struct vb_vol *vol = vb_vol_find(im, number);

	*ret = 0;
	if (vol && vol->rec.state == state)
		return vol;
	if (vol && vol->rec.state < VB_VOLUME_HIDDEN) {
		vb_say(msg, "volume %u is %s snapshot", number,
		       state == VB_VOLUME_LIVE ? "a" : "no");
		*ret = -EINVAL;
	} else {
		vb_say(msg, "there is no volume %u", number);
		*ret = -ENOENT;
	}
	return NULL;
}

static int do_snapshot(struct vb_image *im, void *arg)
{
	struct make *k = arg;
	struct vb_vol *vol, *older, *s = k->vol;
	int ret;

	vol = source(im, k->m->source, VB_VOLUME_LIVE, k->msg, &ret);
	if (!vol)
		return ret;
	s->rec.state = VB_VOLUME_SNAPSHOT;
	s->rec.size = vol->rec.size;
	s->rec.flags = vol->rec.flags;
	s->rec.base_id = vol->rec.base_id;
	s->tree.root = vol->tree.root;
	s->tree.depth = vol->tree.depth;
	s->rec.origin = vol->rec.origin;
	s->rec.older = vol->rec.older;
	s->rec.newer = vol->rec.number;
	s->rec.taken = im->next.epoch;
	ret = add(im, k);
	if (ret)
		return ret;
	older = vol->rec.older == VB_NO_VOLUME ? NULL : vb_vol_find(im, vol->rec.older);
	if (older && older->rec.newer == vol->rec.number) {
		older->rec.newer = s->rec.number;
		vb_vol_changed(older);
	}
	/* What is being deleted is compared with what does not change any more. */
	vb_watch_move(vol, s);
	vol->rec.older = s->rec.number;
	vb_vol_changed(vol);
	/* Before the commit is durable: in doubt a block is another's. */
	vol->own = s->rec.taken;
	vol->stopped = false;
	s->own = older ? older->rec.taken : 0;
	return 0;
}

/* Nobody writes in place from here; who was about to has done so. */
static void stop_in_place(struct vb_vol *vol)
{
	down_write(&vol->im->change);
	vol->stopped = true;
	up_write(&vol->im->change);
	spin_lock(&vol->tree.lock);
	vol->frozen = true;
	spin_unlock(&vol->tree.lock);
	synchronize_srcu_expedited(&vol->im->srcu);
	spin_lock(&vol->tree.lock);
	vol->inplace = U64_MAX;
	vol->frozen = false;
	spin_unlock(&vol->tree.lock);
	wake_up_all(&vol->wait);
}

int vb_image_snapshot(struct vb_image *im, struct vblk_image_make *m, struct vb_msg *msg)
{
	struct make k = { .m = m, .msg = msg };
	struct vb_vol *vol;
	int ret;

	mutex_lock(&im->admin);
	/* It cannot go: that takes im->admin, too, for all but those being deleted. */
	down_read(&im->change);
	vol = source(im, m->source, VB_VOLUME_LIVE, msg, &ret);
	up_read(&im->change);
	if (vol) {
		stop_in_place(vol);
		ret = make(im, &k, do_snapshot);
		if (ret) {
			down_write(&im->change);
			vol->stopped = false;
			vb_vol_settle(vol);
			up_write(&im->change);
		}
	}
	mutex_unlock(&im->admin);
	return ret;
}

static int do_clone(struct vb_image *im, void *arg)
{
	struct make *k = arg;
	struct vb_vol *s, *vol = k->vol;
	int ret;

	s = source(im, k->m->source, VB_VOLUME_SNAPSHOT, k->msg, &ret);
	if (!s)
		return ret;
	vol->rec.size = s->rec.size;
	vol->rec.flags = s->rec.flags;
	vol->rec.base_id = s->rec.base_id;
	vol->tree.root = s->tree.root;
	vol->tree.depth = s->tree.depth;
	vol->rec.origin = s->rec.number;
	vol->rec.older = s->rec.number;
	ret = add(im, k);
	if (ret)
		return ret;
	vol->own = s->rec.taken;
	s->rec.clones++;
	vb_vol_changed(s);
	return 0;
}

int vb_image_clone(struct vb_image *im, struct vblk_image_make *m, struct vb_msg *msg)
{
	struct make k = { .m = m, .msg = msg };
	int ret;

	mutex_lock(&im->admin);
	ret = make(im, &k, do_clone);
	mutex_unlock(&im->admin);
	return ret;
}

/**
 * vb_unlink() - take a volume out of its branch: it is being deleted from now on
 * @im: image
 * @vol: without clones, not attached
 *
 * A hidden snapshot that had it as its last clone goes, too.
 *
 * Context: an operation of a commit.
 */
void vb_unlink(struct vb_image *im, struct vb_vol *vol)
{
	struct vb_vol *p, *n;

	for (; vol; vol = p) {
		p = vol->rec.older == VB_NO_VOLUME ? NULL : vb_vol_find(im, vol->rec.older);
		n = vol->rec.newer == VB_NO_VOLUME ? NULL : vb_vol_find(im, vol->rec.newer);
		vol->rec.state = VB_VOLUME_DELETED;
		vol->rec.keep = p ? p->rec.taken : 0;
		vol->rec.older = VB_NO_VOLUME;
		memset(vol->rec.name, 0, sizeof(vol->rec.name));
		vol->own = vol->rec.keep;
		vb_doom(vol, n);
		vb_vol_changed(vol);
		if (n) {
			n->rec.older = p ? p->rec.number : VB_NO_VOLUME;
			n->own = vol->rec.keep;
			vb_vol_changed(n);
		}
		if (!p)
			return;
		vb_vol_changed(p);
		if (p->rec.newer == vol->rec.number)
			p->rec.newer = n ? n->rec.number : VB_NO_VOLUME;
		else if (!n)
			p->rec.clones--;
		if (p->rec.state != VB_VOLUME_HIDDEN || p->rec.clones)
			return;
	}
}

struct drop {
	struct vblk_image_volume *v;
	struct vb_msg *msg;
};

static int do_delete(struct vb_image *im, void *arg)
{
	struct drop *d = arg;
	struct vb_vol *vol = vb_vol_find(im, d->v->volume);

	if (!vol || vol->rec.state == VB_VOLUME_HIDDEN || vol->rec.state == VB_VOLUME_DELETED) {
		vb_say(d->msg, "there is no volume %u", d->v->volume);
		return -ENOENT;
	}
	if (vol->disk) {
		vb_say(d->msg, "it is vblk%d", vol->disk->id);
		return -EBUSY;
	}
	if (vol->rec.clones) {
		vol->rec.state = VB_VOLUME_HIDDEN;
		memset(vol->rec.name, 0, sizeof(vol->rec.name));
		vb_vol_changed(vol);
	} else {
		vb_unlink(im, vol);
	}
	return 0;
}

static int drop(struct vb_image *im, struct vblk_image_volume *v, struct vb_msg *msg,
		int (*fn)(struct vb_image *, void *))
{
	struct drop d = { .v = v, .msg = msg };
	struct vb_op op = { .fn = fn, .arg = &d };
	int ret;

	mutex_lock(&im->admin);
	ret = vb_commit(im, &op);
	mutex_unlock(&im->admin);
	if (!ret && !op.ret)
		queue_work(im->wq, &im->delete_work);
	return op.ret ?: ret;
}

int vb_image_delete(struct vb_image *im, struct vblk_image_volume *v, struct vb_msg *msg)
{
	return drop(im, v, msg, do_delete);
}

static int can_promote(struct vb_image *im, struct vb_vol *c, struct vb_msg *msg,
		       struct vb_vol **origin, struct vb_vol **target)
{
	struct vb_vol *s, *v;

	if (!c || c->rec.state != VB_VOLUME_LIVE) {
		vb_say(msg, "there is no such volume");
		return -ENOENT;
	}
	s = c->rec.origin == VB_NO_VOLUME ? NULL : vb_vol_find(im, c->rec.origin);
	if (!s || s->rec.state == VB_VOLUME_DELETED) {
		vb_say(msg, "it is not a clone");
		return -EINVAL;
	}
	v = s->rec.newer == VB_NO_VOLUME ? NULL : vb_vol_find(im, s->rec.newer);
	if (!v || v->rec.state != VB_VOLUME_LIVE) {
		vb_say(msg, "what it was cloned from is not the newest snapshot of a volume");
		return v ? -EBUSY : -EINVAL;
	}
	if (s->rec.clones != 1) {
		vb_say(msg, "the snapshot has other clones");
		return -EBUSY;
	}
	if (c->disk || v->disk) {
		vb_say(msg, "vblk%d is on it", c->disk ? c->disk->id : v->disk->id);
		return -EBUSY;
	}
	*origin = s;
	*target = v;
	return 0;
}

/* The member of a branch that is next to its origin; the chain has been checked. */
static struct vb_vol *oldest(struct vb_image *im, struct vb_vol *vol, struct vb_vol *origin)
{
	while (vol->rec.older != origin->rec.number) {
		vol = vb_vol_find(im, vol->rec.older);
		if (!vol)
			return NULL;
	}
	return vol;
}

/* Two volumes change places: all that is theirs but the number and the name. */
static void exchange(struct vb_image *im, struct vb_vol *a, struct vb_vol *b)
{
	u8 name[sizeof(a->rec.name)];
	u32 number = a->rec.number;

	swap(a->rec.number, b->rec.number);
	memcpy(name, a->rec.name, sizeof(name));
	memcpy(a->rec.name, b->rec.name, sizeof(name));
	memcpy(b->rec.name, name, sizeof(name));
	/* Both are there: nothing is allocated. */
	xa_store(&im->volumes, number, b, GFP_NOIO);
	xa_store(&im->volumes, a->rec.number, a, GFP_NOIO);
	vb_vol_changed(a);
	vb_vol_changed(b);
	xa_set_mark(&im->volumes, a->rec.number, VB_CHANGED);
	xa_set_mark(&im->volumes, b->rec.number, VB_CHANGED);
}

static int do_promote(struct vb_image *im, void *arg)
{
	struct drop *d = arg;
	struct vb_vol *c, *s, *v, *first, *newest, *w;
	u32 vn;
	int ret;

	c = vb_vol_find(im, d->v->volume);
	ret = can_promote(im, c, d->msg, &s, &v);
	if (ret)
		return ret;
	first = oldest(im, c, s);
	if (!first)
		return -EUCLEAN;
	vn = v->rec.number;
	exchange(im, c, v);
	/* Who was compared with one of the trees is so still: it has another number. */
	vb_watch_move(c, c);
	vb_watch_move(v, v);
	if (first != c) {
		newest = vb_vol_find(im, c->rec.older);
		newest->rec.newer = vn;
		vb_vol_changed(newest);
	}
	/* All of the branch has the origin of the volume now. */
	for (w = c; w && w != s; w = vb_vol_find(im, w->rec.older)) {
		w->rec.origin = v->rec.origin;
		vb_vol_changed(w);
	}
	s->rec.newer = first->rec.number;
	s->rec.clones = 0;
	vb_vol_changed(s);
	/* The old tree: from here as if it were deleted, but that s has its heir. */
	v->rec.state = VB_VOLUME_DELETED;
	v->rec.keep = s->rec.taken;
	v->rec.older = VB_NO_VOLUME;
	v->rec.newer = VB_NO_VOLUME;
	v->own = v->rec.keep;
	memset(v->rec.name, 0, sizeof(v->rec.name));
	vb_doom(v, NULL);
	/* A hidden snapshot has waited for this. */
	if (s->rec.state == VB_VOLUME_HIDDEN)
		vb_unlink(im, s);
	return 0;
}

int vb_image_promote(struct vb_image *im, struct vblk_image_volume *v, struct vb_msg *msg)
{
	return drop(im, v, msg, do_promote);
}
