// SPDX-License-Identifier: GPL-2.0
/*
 * Those that are being deleted, and who is compared with whom. One that is deleted
 * watches its newer neighbour, if it has one: what the neighbour has, too, is not freed.
 * Until its walk has passed a leaf, the neighbour must not free what both may have.
 *
 * All of it is under im->change, and as memory has it. There may be very many of them,
 * of which only one has been begun: nothing here walks over all that there are.
 */

#include "image.h"

/* Who has watchers waits for them; of the others the lowest number is next. */
static void look_at(struct vb_vol *vol)
{
	struct vb_image *im = vol->im;

	if (vol->rec.state == VB_VOLUME_DELETED && !vol->gone && list_empty(&vol->watchers))
		xa_set_mark(&im->volumes, vol->rec.number, VB_READY);
	else
		xa_clear_mark(&im->volumes, vol->rec.number, VB_READY);
}

static void count(struct vb_vol *vol)
{
	struct vb_vol *w;

	vol->awaited = 0;
	list_for_each_entry(w, &vol->watchers, watch)
		if (w != vol->im->walking)
			vol->awaited = max(vol->awaited, w->rec.taken);
}

static struct vb_vol *newer(struct vb_vol *vol)
{
	return vol->rec.newer == VB_NO_VOLUME ? NULL : vb_vol_find(vol->im, vol->rec.newer);
}

/**
 * vb_doom() - a volume is being deleted from now on
 * @vol: its record says so
 * @newer: who it is compared with: its rec.newer; or NULL
 *
 * Context: im->change is held for writing.
 */
void vb_doom(struct vb_vol *vol, struct vb_vol *newer)
{
	vol->walk_at = 0;
	list_add_tail(&vol->link, &vol->im->deleting);
	look_at(vol);
	if (!newer)
		return;
	list_add_tail(&vol->watch, &newer->watchers);
	newer->awaited = max(newer->awaited, vol->rec.taken);
	look_at(newer);
}

/* Whose turn it is; NULL: nobody's. */
struct vb_vol *vb_doomed_next(struct vb_image *im)
{
	unsigned long number = 0;

	return im->walking ?: xa_find(&im->volumes, &number, ULONG_MAX, VB_READY);
}

/* From @at on it is to be walked. */
void vb_doomed_begin(struct vb_vol *vol, u64 at)
{
	struct vb_vol *n = newer(vol);

	vol->im->walking = vol;
	vol->walk_at = at;
	/* Mostly the oldest goes first, and the latest stays. */
	if (n && n->awaited == vol->rec.taken)
		count(n);
}

/* All of it is freed; with the next commit it is gone. */
void vb_doomed_done(struct vb_vol *vol)
{
	struct vb_vol *n = newer(vol);

	vol->gone = true;
	vol->im->walking = NULL;
	list_del_init(&vol->link);
	list_del_init(&vol->watch);
	look_at(vol);
	if (!n)
		return;
	look_at(n);
	/* Once that is durable it may write in place what both had. */
	vb_vol_changed(n);
}

/* What is compared with @from is compared with @to from now on. */
void vb_watch_move(struct vb_vol *from, struct vb_vol *to)
{
	struct vb_vol *w;

	list_for_each_entry(w, &from->watchers, watch) {
		w->rec.newer = to->rec.number;
		vb_vol_changed(w);
	}
	if (from == to)
		return;
	list_splice_tail_init(&from->watchers, &to->watchers);
	count(from);
	count(to);
	look_at(from);
	look_at(to);
}

/**
 * vb_watch_border() - up to which birth may a volume's blocks be a watcher's, too?
 * @vol: whose
 * @leaf: where
 *
 * Context: im->change is held.
 *
 * Return: an epoch, or 0.
 */
u64 vb_watch_border(struct vb_vol *vol, u64 leaf)
{
	struct vb_vol *w = vol->im->walking;

	lockdep_assert_held(&vol->im->change);
	if (w && w->rec.newer == vol->rec.number && leaf >= w->walk_at)
		return max(vol->awaited, w->rec.taken);
	return vol->awaited;
}

/**
 * vb_doomed_read() - who is being deleted in an image that is being opened
 * @im: image; its volumes have been read
 *
 * Return: 0, or -EUCLEAN if who has been begun should have waited.
 */
int vb_doomed_read(struct vb_image *im)
{
	struct vb_vol *vol;
	unsigned long number;

	xa_for_each(&im->volumes, number, vol) {
		if (vol->rec.state == VB_VOLUME_DELETED)
			vb_doom(vol, newer(vol));
		cond_resched();
	}
	if (!im->super.work)
		return 0;
	vol = vb_vol_find(im, im->super.work_volume);
	if (!vol || vol->rec.state != VB_VOLUME_DELETED || !list_empty(&vol->watchers))
		return -EUCLEAN;
	vb_doomed_begin(vol, im->super.work_at);
	return 0;
}
