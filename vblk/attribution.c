// SPDX-License-Identifier: GPL-2.0
/*
 * Who submits a request pays for what a worker does about it: I/O by the block
 * cgroup of its bio, memory by the memory cgroup that goes with it.
 */

#include <linux/blk-cgroup.h>
#include <linux/blk-mq.h>
#include <linux/cgroup.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>

#include "attribution.h"

/**
 * vb_payer_find() - before a request goes to a worker; again and again is fine
 * @payer: filled in; vb_payer_drop() is needed later
 * @rq: its bio is still there
 *
 * Context: any.
 */
void vb_payer_find(struct vb_payer *payer, struct request *rq)
{
	if (payer->blkcg)
		return;
	payer->blkcg = rq->bio ? bio_blkcg_css(rq->bio) : NULL;
#ifdef CONFIG_MEMCG
	if (payer->blkcg)
		payer->memcg = cgroup_get_e_css(payer->blkcg->cgroup, &memory_cgrp_subsys);
#endif
}

/**
 * vb_payer_drop() - the request is over
 * @payer: empty afterwards
 *
 * Context: any.
 */
void vb_payer_drop(struct vb_payer *payer)
{
	if (payer->memcg)
		css_put(payer->memcg);
	payer->memcg = NULL;
	payer->blkcg = NULL;
}

/**
 * vb_payer_begin() - the worker acts for somebody from here
 * @now: filled in, for vb_payer_end(): the request may be over before the worker
 *	is done with it
 * @payer: whom
 */
void vb_payer_begin(struct vb_paying *now, const struct vb_payer *payer)
{
	*now = (struct vb_paying){ .payer = *payer };
	if (payer->blkcg)
		kthread_associate_blkcg(payer->blkcg);
	if (payer->memcg) {
		css_get(payer->memcg);
		now->was = set_active_memcg(mem_cgroup_from_css(payer->memcg));
	}
}

/**
 * vb_payer_end() - to here
 * @now: from vb_payer_begin()
 */
void vb_payer_end(struct vb_paying *now)
{
	if (now->payer.memcg) {
		set_active_memcg(now->was);
		css_put(now->payer.memcg);
	}
	if (now->payer.blkcg)
		kthread_associate_blkcg(NULL);
}
